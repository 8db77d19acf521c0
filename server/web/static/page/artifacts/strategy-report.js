customElements.define("strategy-report", class extends HTMLElement {
  show(_run, _fetchEvent) {}
});
