/**
 * Does in place what the pages do without a script by whole page loads: votes, marks, replies, previews, "load more".
 * Adds keyboard moves, drafts that survive a reload, and times that stay true.
 *
 * There is one listener per kind of event, on the document, so what is loaded later needs no wiring. Everything starts
 * from the links and forms that are in the page; where the script gives up, they still work. Texts come translated
 * from <template id="words">.
 */

const ITEMS = ".post, .comment, .notice, .rows > li";
const DRAFT_DAYS = 7;
const FOLDED_KEPT = 500;
const FORM = "application/x-www-form-urlencoded";
const words = document.getElementById("words").dataset;
const language = document.documentElement.lang;

/* --- talking to the site --- */

/** Shows a message at the foot of the window, and has screen readers say it. */
function say(text) {
  const said = document.getElementById("said");
  said.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { said.textContent = ""; }, 8000);
}

/**
 * Sends a request and gives the answer if it is a good one.
 * Goes to the page that the site wants to show instead (such as log-in), in which case it never returns.
 * @throws {Error} with a message to show.
 */
async function ask(url, options) {
  let answer;
  try {
    answer = await fetch(url, options);
  } catch {
    throw new Error(words.offline);
  }
  if (answer.status === 401) {
    const next = location.pathname + location.search;
    return leaveFor(`/login?next=${encodeURIComponent(next)}`);
  }
  if (answer.redirected) return leaveFor(answer.url);
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  throw new Error(problem.detail || problem.title || words.failed);
}

function leaveFor(url) {
  location.assign(url);
  return new Promise(() => {});
}

function post(url, fields, headers) {
  const body = new URLSearchParams(fields).toString();
  // What was clicked is sent even if one leaves the page at once. Browsers carry 64 KiB in this way.
  const keepalive = body.length < 60_000;
  return ask(url, { method: "POST", body, headers: { ...headers, "Content-Type": FORM }, keepalive });
}

/**
 * Runs something that a control started: the control waits meanwhile (style shows a spinner after a second) and takes
 * no second click; a failure is said.
 */
async function during(control, work) {
  if (control.ariaBusy === "true") return;
  control.ariaBusy = "true";
  try {
    await work();
  } catch (error) {
    say(error.message);
  } finally {
    control.ariaBusy = null;
  }
}

/* --- votes and marks --- */

/** Shows a vote at once and takes it back if the site refuses. */
function vote(button) {
  if (words.login) return void leaveFor(words.login);
  const box = button.closest(".votes");
  const score = box.querySelector(".score");
  const before = { score: Number(score.value), vote: voteShown(box) };
  const url = button.formAction;
  const wanted = Number(url.match(/\/vote\/(-?\d)/)[1]);
  during(button, async () => {
    showVote(box, { score: before.score + wanted - before.vote, vote: wanted });
    try {
      const answer = await post(url, {}, { Accept: "application/json" });
      showVote(box, await answer.json());
    } catch (error) {
      showVote(box, before);
      throw error;
    }
  });
}

function voteShown(box) {
  const pressed = box.querySelector("[aria-pressed=true]");
  return pressed ? (pressed.matches(".up") ? 1 : -1) : 0;
}

function showVote(box, { score, vote: given }) {
  const number = box.querySelector(".score");
  number.value = score;
  // From 10,000 on the site rounds to thousands, which one vote does not move.
  if (Math.abs(score) < 10000) number.textContent = score.toLocaleString(language, { useGrouping: Math.abs(score) > 999 });
  for (const [selector, direction] of [[".up", 1], [".down", -1]]) {
    const button = box.querySelector(selector);
    const pressed = given === direction;
    button.ariaPressed = String(pressed);
    button.formAction = button.formAction.replace(/\/vote\/-?\d/, `/vote/${pressed ? 0 : direction}`);
  }
}

/** A button that does and undoes (save, hide, subscribe): swaps its label for the other one when the site has agreed. */
function toggle(button) {
  during(button, async () => {
    await post(button.formAction, { value: button.value }, { Accept: "application/json" });
    const on = button.value === "1";
    [button.textContent, button.dataset.other] = [button.dataset.other, button.textContent];
    button.value = on ? "0" : "1";
    if (button.matches(".hide")) button.closest(".post").classList.toggle("off", on);
  });
}

/* --- comments --- */

/** Opens the reply form under a comment, or closes it if nothing is written in it. */
function openReply(link) {
  const details = link.closest("details");
  const there = details.querySelector(":scope > .write");
  if (there) {
    const body = there.elements.body;
    if (body.value) body.focus();
    else there.remove();
    return;
  }
  const form = document.getElementById("reply").content.querySelector("form").cloneNode(true);
  const id = link.closest(".comment").id.slice(1);
  form.elements.parent.value = id;
  form.dataset.draft = form.dataset.draft.replace(/\d+$/, id);
  for (const named of form.querySelectorAll("[id]")) named.id += `-${id}`;
  for (const label of form.querySelectorAll("[for]")) label.htmlFor += `-${id}`;
  for (const field of form.querySelectorAll("[aria-describedby]")) field.removeAttribute("aria-describedby");
  link.closest(".acts").after(form);
  restoreDraft(form);
  form.elements.body.focus();
}

/** Sends a comment and puts it where it belongs. */
function sendComment(form, button) {
  const list = form.closest("details")?.querySelector(":scope > .thread") ?? document.querySelector(".thread.root");
  during(button, async () => {
    let answer;
    try {
      // not form.action: that is the button of this name
      answer = await post(form.getAttribute("action"), new FormData(form), { "X-Fragment": "1" });
    } catch (error) {
      return refuse(form, error.message);
    }
    form.querySelector(":scope > .note.error")?.remove();
    list.prepend(fragment(await answer.text()));
    forgetDraft(form);
    if (list.matches(".root")) {
      form.reset();
      document.querySelector(".talks .nothing")?.remove();
      form.querySelector(".preview").hidden = true;
    } else {
      form.remove();
    }
    goTo(list.firstElementChild);
    say(words.posted);
  });
}

/** Says at the head of a form why it was not taken; what is typed stays. */
function refuse(form, message) {
  form.querySelector(":scope > .note.error")?.remove();
  const note = document.createElement("p");
  note.className = "note error";
  note.setAttribute("role", "alert");
  note.textContent = message;
  form.prepend(note);
}

/** Replaces "n more replies" by those replies. */
function loadMore(link) {
  during(link, async () => {
    const answer = await ask(link.href, { headers: { "X-Fragment": "1" } });
    const row = link.closest(".more");
    const loaded = fragment(await answer.text());
    const first = loaded.querySelector(".comment");
    row.replaceWith(loaded);
    foldAgain();
    if (first) goTo(first);
  });
}

function preview(button) {
  const form = button.form;
  const box = form.querySelector(".preview");
  const body = form.elements[button.dataset.preview].value;
  if (!body.trim()) return say(words.empty);
  return during(button, async () => {
    const answer = await post("/preview", { body }, { "X-Fragment": "1" });
    box.querySelector(".prose").replaceChildren(fragment(await answer.text()));
    box.hidden = false;
  });
}

/** HTML from the site as nodes. Scripts in it would not run, and the content security policy forbids them anyway. */
function fragment(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}

/* --- folded comments stay folded --- */

function folded() {
  return read(localStorage, "folded") ?? [];
}

/** Called on the click, before the browser folds or unfolds. */
function rememberFold({ open, parentElement: { id } }) {
  const others = folded().filter((one) => one !== id);
  write(localStorage, "folded", open ? [...others, id].slice(-FOLDED_KEPT) : others);
}

function foldAgain() {
  for (const id of folded()) {
    const details = document.getElementById(id)?.querySelector(":scope > details");
    // what the address points to is what one came for
    if (details && location.hash !== `#${id}`) details.open = false;
  }
}

/* --- drafts: what is written and not sent is there again after a reload, for a week --- */

function draftKey(form) {
  return `draft:${form.dataset.draft}`;
}

function keepDraft(form) {
  form.draftTimer = 0;
  const fields = {};
  for (const field of form.querySelectorAll("textarea, input[type=text], input[type=url]")) fields[field.name] = field.value;
  write(localStorage, draftKey(form), { at: Date.now(), fields });
}

/** Puts a draft back: texts always, short fields where they are empty. */
function restoreDraft(form) {
  let restored = false;
  for (const [name, value] of Object.entries(read(localStorage, draftKey(form))?.fields ?? {})) {
    const field = form.elements[name];
    if (!field || !value || field.value === value || (field.value && field.type !== "textarea")) continue;
    field.value = value;
    restored = true;
  }
  if (restored) say(words.restored);
}

function forgetDraft(form) {
  clearTimeout(form.draftTimer);
  form.draftTimer = 0;
  localStorage.removeItem(draftKey(form));
}

/** A form that was sent by a page load has gone through if the next page does not show it again. */
function settleDrafts() {
  const sent = read(sessionStorage, "sent");
  sessionStorage.removeItem("sent");
  // Where a part of the site is missing, the form comes back as one that is made alike for all forms.
  const again = document.querySelector("form.again");
  if (sent && again) again.dataset.draft = sent;
  if (sent && ![...document.forms].some((form) => form.dataset.draft === sent)) localStorage.removeItem(`draft:${sent}`);
  const oldest = Date.now() - DRAFT_DAYS * 86400e3;
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith("draft:") && !(read(localStorage, key)?.at > oldest)) localStorage.removeItem(key);
  }
  document.querySelectorAll("form[data-draft]").forEach(restoreDraft);
}

function read(storage, key) {
  try {
    return JSON.parse(storage.getItem(key));
  } catch {
    return null;
  }
}

function write(storage, key, value) {
  try {
    storage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage is full or forbidden: drafts and folds are a convenience, the page works without.
  }
}

/* --- times --- */

const UNITS = [["year", 31536000], ["month", 2592000], ["day", 86400], ["hour", 3600], ["minute", 60]];
const relative = new Intl.RelativeTimeFormat(language);

/** Says how long ago a time is, in the steps that the site uses. */
function ago(seconds) {
  const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? [];
  return unit ? relative.format(-Math.floor(seconds / size), unit) : words.now;
}

function refreshTimes() {
  for (const time of document.querySelectorAll("time")) {
    const text = ago((Date.now() - Date.parse(time.dateTime)) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
}

/* --- keyboard --- */

/** The first element that belongs to an item itself, and not to a comment below it. */
function own(item, selector) {
  return [...(item?.querySelectorAll(selector) ?? [])].find((found) => found.closest(ITEMS) === item);
}

function currentItem() {
  return document.activeElement.closest(ITEMS) ?? document.querySelector(":target")?.closest(ITEMS) ?? null;
}

function goTo(item) {
  item.tabIndex = -1;
  item.focus({ preventScroll: true });
  const head = item.getBoundingClientRect();
  if (head.top < 0 || head.top > innerHeight - 120) item.scrollIntoView({ block: "start" });
}

function step(by) {
  const items = [...document.querySelectorAll(ITEMS)].filter((item) => item.checkVisibility());
  const at = items.indexOf(currentItem());
  const next = items[at < 0 ? 0 : at + by];
  if (next) goTo(next);
}

function openComments(item) {
  own(item, ".talk, .alone > .acts > a, .notice h2 a, .rows h2 a, .meta > a:has(time)")?.click();
}

function reply(item) {
  const link = own(item, "a.reply");
  if (link) link.click();
  else document.querySelector(".talks > .write textarea")?.focus();
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  a: (item) => own(item, ".up")?.click(),
  z: (item) => own(item, ".down")?.click(),
  c: openComments,
  Enter: openComments,
  o: (item) => own(item, "h1 a, h2 a, .on a")?.click(),
  r: reply,
  x: (item) => own(item, "summary")?.click(),
  s: (item) => own(item, ".save")?.click(),
  h: (item) => own(item, ".hide")?.click(),
  "/": () => (document.querySelector("#q, .find input:not([hidden])") ?? document.body).focus(),
  "?": () => document.getElementById("keys-help").showModal(),
};
const PLACES = { h: "/", a: "/all", i: "/inbox", s: "/saved" };
let goingSince = 0;

function onKey(event) {
  if (event.key === "Escape") return closeMenus();
  // A dialog that was closed this very moment still has the focus, until the browser draws the page without it.
  const typing = event.target.closest("input, textarea, select, dialog")?.checkVisibility();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || read(localStorage, "keys") === false) return;
  const going = Date.now() - goingSince < 1500;
  goingSince = event.key === "g" ? Date.now() : 0;
  if (going && PLACES[event.key]) return location.assign(PLACES[event.key]);
  // Enter on a link or button is theirs
  if (event.key === "Enter" && !event.target.matches(ITEMS)) return;
  const act = Object.hasOwn(KEYS, event.key) && KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act(currentItem());
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
}

/* --- what happens when --- */

document.addEventListener("click", (event) => {
  closeMenus(event.target);
  if (event.target.matches(".comment > details > summary")) rememberFold(event.target.parentElement);
  const link = event.target.closest("a");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const act =
    link.matches(".more > a") ? loadMore
    : link.matches("details a.reply") && document.getElementById("reply") ? openReply
    : link.matches("[data-keys]") ? KEYS["?"]
    : null;
  if (!act) return;
  event.preventDefault();
  act(link);
});

document.addEventListener("submit", (event) => {
  const { target: form, submitter } = event;
  const act =
    submitter?.closest(".votes") ? vote
    : submitter?.dataset.other ? toggle
    : submitter?.dataset.preview ? preview
    : form.matches(".write") && document.querySelector(".thread.root") ? (button) => sendComment(form, button)
    : null;
  if (act) {
    event.preventDefault();
    act(submitter);
    return;
  }
  // By a page load: once only, and the button waits.
  if (form.dataset.sent) return event.preventDefault();
  if (form.method !== "post") return;
  form.dataset.sent = "yes";
  submitter?.setAttribute("aria-busy", "true");
  if (form.dataset.draft) write(sessionStorage, "sent", form.dataset.draft);
});

document.addEventListener("input", ({ target }) => {
  const form = target.form;
  if (target.id === "keys-on") write(localStorage, "keys", target.checked);
  if (!form?.dataset.draft) return;
  clearTimeout(form.draftTimer);
  form.draftTimer = setTimeout(keepDraft, 400, form);
});

// What was typed in the last moment is kept as well.
addEventListener("pagehide", () => [...document.forms].filter((form) => form.draftTimer).forEach(keepDraft));

document.addEventListener("keydown", onKey);

// A page that comes back from the browser's memory still has its waiting buttons.
addEventListener("pageshow", ({ persisted }) => {
  if (!persisted) return;
  document.querySelectorAll("[aria-busy]").forEach((control) => control.removeAttribute("aria-busy"));
  document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
});

document.getElementById("keys-on").checked = read(localStorage, "keys") !== false;
foldAgain();
settleDrafts();
setInterval(refreshTimes, 30_000);
