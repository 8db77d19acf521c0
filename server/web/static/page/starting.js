// Starting a run: one form, on the first page and elsewhere in a dialog, so that what was typed
// moves along.

import { listWorkflows, randomId, startRun } from "./api.js";
import { fire } from "./dom.js";

const RETRY_MS = 3000;

export class Starting {
  #dialog;
  #home;
  #atHome = false;
  #listed = false;

  /**
   * @param {HTMLDialogElement} dialog holds the form at first
   * @param {HTMLElement} home where it stands while no session is watched
   */
  constructor(dialog, home) {
    this.#dialog = dialog;
    this.#home = home;
    this.form = dialog.querySelector("start-form");
    this.form.addEventListener("start", ({ detail }) => this.#start(detail));
    this.#list();
  }

  set atHome(wanted) {
    if (wanted === this.#atHome) return;
    this.#atHome = wanted;
    if (wanted) this.#dialog.close();
    (wanted ? this.#home : this.#dialog).append(this.form);
    this.#home.hidden = !wanted;
  }

  /** @param {{workflow?: string, input?: object, session?: string}} [given] to begin with */
  open(given = {}) {
    if (!this.#atHome && !this.#dialog.open) this.#dialog.showModal();
    this.form.open(given);
  }

  async #list() {
    while (!this.#listed) {
      try {
        this.form.show(await listWorkflows());
        this.#listed = true;
      } catch (error) {
        this.form.refused(`The workflows could not be listed: ${error.message}`);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async #start({ workflow, input, session }) {
    try {
      const run = await startRun(session || randomId(), workflow, input);
      this.form.done();
      if (!this.#atHome) this.#dialog.close();
      fire(this.form, "started", { session: run.session, run: run.id });
    } catch (error) {
      this.form.refused(error.message, error.path);
    }
  }
}
