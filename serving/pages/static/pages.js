// Sliders show their value while they move, and one key acts on the first call of the list.
for (const slider of document.querySelectorAll("input[type=range]")) {
  const shown = document.querySelector(`output[for="${slider.id}"]`);
  slider.addEventListener("input", () => { shown.textContent = `${slider.value} %`; });
  slider.addEventListener("change", () => { slider.form.requestSubmit(); });
}
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest("input, select, textarea");
  if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const button = document.querySelector(`.call [data-key="${CSS.escape(event.key)}"]`);
  if (button) { event.preventDefault(); button.click(); }
});
