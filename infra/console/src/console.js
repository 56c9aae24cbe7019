// What every page needs. Pages work without it: it adds comfort. htmx does the requests.
const $ = (s, r = document) => r.querySelector(s);
const all = (s, r = document) => [...r.querySelectorAll(s)];
const closest = (event, selector) => event.target.closest?.(selector);

// -- definitions: one popover, filled from data-def, by hover, focus and touch
const pop = $('#pop');
const canPop = pop && 'showPopover' in pop;
const isOpen = () => canPop && pop.matches(':popover-open');
const show = (button) => {
  if (!canPop) return;
  pop.textContent = button.dataset.def;
  button.setAttribute('aria-describedby', 'pop');
  if (!isOpen()) pop.showPopover();
  const at = button.getBoundingClientRect(), box = pop.getBoundingClientRect();
  pop.style.left = `${Math.max(8, Math.min(at.left, innerWidth - box.width - 8))}px`;
  pop.style.top = `${at.bottom + box.height + 8 > innerHeight ? at.top - box.height - 6 : at.bottom + 6}px`;
};
const hide = () => isOpen() && pop.hidePopover();
document.addEventListener('pointerover', (e) => {
  const button = closest(e, '[data-def]');
  if (button) show(button); else if (!closest(e, '#pop')) hide();
});
document.addEventListener('focusin', (e) => {
  const button = closest(e, '[data-def]');
  if (button?.matches(':focus-visible')) show(button); else hide();
});

// -- clicks
const theme = () => {
  const root = document.documentElement;
  const isDark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  root.dataset.theme = isDark ? 'light' : 'dark';
  document.cookie = `theme=${root.dataset.theme};path=/console;max-age=31536000;samesite=lax`;
  document.dispatchEvent(new Event('themechange'));
};
const copy = (button) => navigator.clipboard?.writeText(button.dataset.copy).then(() => {
  button.classList.add('copied');
  setTimeout(() => button.classList.remove('copied'), 1500);
});
document.addEventListener('click', (e) => {
  const definition = closest(e, '[data-def]');
  if (definition) show(definition);
  const opener = closest(e, '[data-dialog]');
  if (opener) { e.preventDefault(); open(opener.dataset.dialog); }
  const closer = closest(e, '[data-close]');
  if (closer) closer.closest('dialog').close();
  const side = $('.side');
  if (closest(e, '.burger')) toggle(side); else if (side && !closest(e, '.side')) toggle(side, false);
  const copier = closest(e, '[data-copy]');
  if (copier) copy(copier);
  if (closest(e, '[data-theme-next]')) theme();
  if (!closest(e, 'details.menu')) all('details.menu[open]').forEach((menu) => { menu.open = false; });
});
const isOfHtmx = (form) => form.hasAttribute('hx-post') && (form.getAttribute('hx-trigger') ?? 'submit').includes('submit');
const toggle = (side, force) => {
  const isOpened = side.classList.toggle('open', force);
  $('.burger')?.setAttribute('aria-expanded', String(isOpened));
};
const open = (selector) => { const dialog = $(selector); if (dialog && !dialog.open) { dialog.showModal(); fit(); } };

// -- forms: a second click does nothing; what was typed is asked for before it is left
document.addEventListener('submit', (e) => {
  const form = e.target;
  if (form.method === 'dialog') return;
  if (form.dataset.busy !== undefined) { e.preventDefault(); return; }
  if (form.dataset.upload !== undefined) { e.preventDefault(); upload(form); return; }
  if (form.method !== 'post' || isOfHtmx(form) || form.target) return;
  form.dataset.busy = '';
  const button = e.submitter;
  if (button?.dataset.busyText) setTimeout(() => { button.disabled = true; button.textContent = button.dataset.busyText; });
});
addEventListener('pageshow', (e) => { if (e.persisted) all('form[data-busy]').forEach((form) => delete form.dataset.busy); });
document.addEventListener('input', (e) => {
  const typed = closest(e, '[data-confirm]');
  if (typed) $(typed.dataset.for).disabled = typed.value.replace(/[,，\s]/g, '') !== typed.dataset.confirm;
});
document.addEventListener('change', (e) => {
  if (closest(e, '[data-submits]')) e.target.form.requestSubmit();
  const files = closest(e, '[data-most]');
  if (files) {
    const size = [...files.files].reduce((sum, file) => sum + file.size, 0);
    files.setCustomValidity(size > Number(files.dataset.most) ? files.dataset.tooLarge : '');
    files.reportValidity();
  }
});

// -- a mail's preview is a document of its own, which a form asks for
const showMails = () => all('[data-auto]').forEach((button) => button.form?.requestSubmit(button));
showMails();
document.addEventListener('htmx:after:swap', showMails);

// -- narrow windows: a table that does not fit becomes cards, with its columns' names beside the values
const label = (table) => {
  const names = all('thead th', table).map((head) => ($('.vh', head) ? '' : head.textContent.trim()));
  all('tbody tr', table).forEach((row) => [...row.cells].forEach((cell, at) => {
    if (at && names[at] && row.cells.length === names.length && cell.textContent.trim()) cell.dataset.l = names[at];
  }));
};
const fit = () => {
  all('.tbl-w > .tbl:not(.cards-sm)').forEach((table) => {
    if (table.scrollWidth > table.parentElement.clientWidth) { table.classList.add('cards-sm'); table.dataset.fit = ''; }
  });
  all('.tbl[data-fit]').forEach(label); // again, as rows come later
};
const chosen = $('.tabs [aria-current]');
if (chosen) chosen.parentElement.scrollLeft = chosen.offsetLeft - chosen.parentElement.offsetLeft - 40;
fit();
addEventListener('resize', fit);
document.addEventListener('toggle', fit, true);
document.addEventListener('htmx:after:swap', fit);

// -- a file goes straight to the storage, and then the import is started
const upload = async (form) => {
  form.dataset.busy = '';
  const state = $(form.dataset.upload);
  state.hidden = false;
  try {
    await fetch(form.action, { method: 'POST', body: new FormData(form), mode: 'no-cors' });
    $(form.dataset.then).submit();
  } catch { delete form.dataset.busy; state.hidden = true; $(form.dataset.failed).hidden = false; }
};

// -- keyboard: ⌘K or / opens the search, g and a letter goes to a page, j and k walk lists, ? helps
let going = 0;
const walk = (step) => {
  const rows = all('a.rl');
  const next = rows[rows.indexOf(document.activeElement) + step] ?? rows[step > 0 ? 0 : rows.length - 1];
  next?.focus();
};
const palette = (e) => {
  if (!$('#palette')?.open) return false;
  const items = all('#palette .it');
  const now = items.findIndex((item) => item.getAttribute('aria-selected') === 'true');
  if (e.key === 'Enter' && items.length) { e.preventDefault(); items[Math.max(now, 0)].click(); return true; }
  const step = { ArrowDown: 1, ArrowUp: -1 }[e.key];
  if (!step || !items.length) return true;
  e.preventDefault();
  items.forEach((item) => item.setAttribute('aria-selected', 'false'));
  const chosen = items[(now + step + items.length) % items.length];
  chosen.setAttribute('aria-selected', 'true');
  chosen.scrollIntoView({ block: 'nearest' });
  $('#palette input').setAttribute('aria-activedescendant', chosen.id);
  return true;
};
document.addEventListener('keydown', (e) => {
  const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(e.target.tagName) || e.target.isContentEditable;
  const wantsSearch = ((e.metaKey || e.ctrlKey) && e.key.toLowerCase() === 'k') || (e.key === '/' && !isTyping);
  if (wantsSearch && $('#palette')) { e.preventDefault(); open('#palette'); return; }
  if (palette(e) || isTyping || e.metaKey || e.ctrlKey || e.altKey || document.body.dataset.keys === 'off') return;
  if (e.key === 'g') { going = Date.now(); return; }
  if (Date.now() - going < 1200) { going = 0; const link = $(`.side a[data-key="${CSS.escape(e.key)}"]`); if (link) location.href = link.href; return; }
  if (e.key === '?') { open('#keys'); return; }
  if (e.key === 'j' || e.key === 'k') { walk(e.key === 'j' ? 1 : -1); return; }
  const hot = $(`[data-hot="${CSS.escape(e.key)}"]`);
  if (hot) { e.preventDefault(); hot.click(); }
});
const asked = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
if (asked?.tagName === 'DIALOG') asked.showModal();
if ($('dialog[data-open]')) open('dialog[data-open]');
