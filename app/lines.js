// The plan: one prompt for each key frame, in order. `props.value` is the list of them.
const root = element.querySelector('.lines');
const list = root.querySelector('ol');
const add = root.querySelector('[data-act=add]');

function fields() {
  return [...list.querySelectorAll('textarea')];
}

function texts() {
  return fields().map((field) => field.value);
}

function told() {
  props.value = texts();
  number();
  trigger('input');
}

function row(text) {
  const item = document.createElement('li');
  const field = document.createElement('textarea');
  const remove = document.createElement('button');
  field.rows = 2; // grows with its text where the browser knows field-sizing
  field.maxLength = 2000;
  field.value = text;
  field.addEventListener('input', told);
  remove.type = 'button';
  remove.textContent = '×';
  remove.addEventListener('click', () => {
    const next = item.nextElementSibling || item.previousElementSibling;
    item.remove();
    told();
    (next?.querySelector('textarea') || add).focus();
  });
  item.append(field, remove);
  return item;
}

function number() {
  [...list.children].forEach((item, index) => {
    item.querySelector('textarea').setAttribute('aria-label', `Prompt ${index + 1} of the plan`);
    item.querySelector('button').setAttribute('aria-label', `Remove prompt ${index + 1}`);
  });
  root.dataset.count = list.children.length;
  add.disabled = list.children.length >= Number(root.dataset.most);
}

function show() {
  const value = props.value || [];
  if (JSON.stringify(value) !== JSON.stringify(texts())) list.replaceChildren(...value.map(row));
  number();
}

add.addEventListener('click', () => {
  list.append(row(''));
  told();
  fields().at(-1).focus();
});
root.querySelector('[data-act=clear]').addEventListener('click', () => {
  list.replaceChildren();
  told();
});
watch('value', show);
show();
