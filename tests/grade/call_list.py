"""Grade."""

from __future__ import annotations

import sys
import time
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
from call_feed import Feed, Lister, MorningList

from features.ingest.load import ingest
from features.params import FeatureParams
from features.simulation.call_replay import replay_calls
from features.simulation.calling import Calling
from features.simulation.live import History
from features.simulation.settings import company_settings
from features.storage.catalog import current
from features.storage.warehouse import Warehouse
from training.leads.score import score_leads
from training.leads.fit import fit_leads
from training.leads.dataset import build_training_set
from training.params import TrainingParams

seed = int(sys.argv[1])
out = Path(f"/tmp/h/sim-{seed}/company")
out.mkdir(parents=True, exist_ok=True)
home = out.parent / "home"
c = time.time()


def lap(w):
    global c
    print(w, round(time.time() - c, 2), flush=True)
    c = time.time()


h = History(company_settings("demo", seed=seed, replays=0, cause_replays=1), out)
D = h.life.calendar.number(date(2026, 4, 1))
E = h.life.calendar.number(date(2026, 7, 1))
h.play(D)
h.crm.close()
crm = h.crm.forked()
h.crm = crm.forked()
h.play(E)
lap("live")
moment = datetime(2026, 4, 1)
ingest(str(out), home, FeatureParams(), data_until=moment)
lap("ingest")
base = Warehouse.duckdb(current(home), FeatureParams().ingest)
import os

bundlefile = out.parent / "bundle.pkl"
import pickle

if True:
    ts = build_training_set(base.until(moment), 30, FeatureParams(), TrainingParams())
    bundle = fit_leads(ts, base.until(moment), FeatureParams(), TrainingParams())
lap("train")
params = TrainingParams().scoring.model_copy(update={"reasons": 0})
spent = [0.0]


def lister(w, t):
    s = time.time()
    r = score_leads(w, bundle, "1", t, params)[["lead_id", "priority"]]
    spent[0] += time.time() - s
    return r


days = 10
hab = replay_calls(h.life, D, D + days, None)
lap("habit")
fork = crm.forked()
feed = Feed(base, out, fork, "w1")
lap("feed")
o = replay_calls(
    h.life, D, D + days, Calling(MorningList(feed, lister), touches=hab.touches), crm=fork
)
lap("ours")
print("in lister", spent)
for x in (hab, o):
    print({k: round(v.sum(), 1) for k, v in x.expected.items()})
