// The example photos: pressing one loads it with its prompt, in the language of the page.
element.addEventListener('click', (event) => {
  const button = event.target.closest('[data-example]');
  if (button) trigger('example', { number: Number(button.dataset.example), prompt: button.title });
});
