// A number typed beside a slider is kept from Gradio while it is out of bounds: its server would raise an error in the
// middle of typing. On leaving the field it becomes the nearest bound.
() => {
  const nearest = (field) => Math.min(Math.max(Number(field.value), Number(field.min)), Number(field.max));
  const isOutside = (field) =>
    field.matches?.('input[type=number][min][max]') && field.value !== '' && nearest(field) !== Number(field.value);
  document.addEventListener('input', (event) => isOutside(event.target) && event.stopImmediatePropagation(), true);
  document.addEventListener(
    'focusout',
    ({ target }) => {
      if (!isOutside(target)) return;
      target.value = nearest(target);
      target.dispatchEvent(new Event('input', { bubbles: true }));
    },
    true,
  );
}
