// What comes new from the server keeps what a person has folded and pressed; the bar of an edit comes into sight.
const all = (selector) => [...element.querySelectorAll(selector)];
const keyOf = ({ dataset: { place, ...rest } }) => JSON.stringify(rest); // the same button, wherever its run has gone
let isFolded = null; // as the person wants it
let pressed = null;
let isEditing = false;

element.addEventListener('click', ({ target }) => {
  const button = target.closest('button');
  if (target.closest('summary')) isFolded = target.closest('details').open;
  pressed = button && keyOf(button);
});
watch('value', () => {
  for (const each of all('details')) each.open = isFolded === null ? each.hasAttribute('data-open') : !isFolded;
  const isLost = pressed && document.activeElement === document.body;
  if (isLost) all('button').find((each) => keyOf(each) === pressed)?.focus({ preventScroll: true });
  const bar = element.querySelector('.editing');
  if (bar && !isEditing) bar.scrollIntoView({ block: 'nearest', behavior: 'smooth' });
  isEditing = Boolean(bar);
});
