// The report is copied as soon as it is there; where the browser forbids that, it is selected for the person to copy.
watch('value', async () => {
  const area = element.querySelector('.report textarea');
  if (!area) return;
  const copied = navigator.clipboard ? navigator.clipboard.writeText(area.value) : Promise.reject();
  const how = await copied.then(
    () => 'copied',
    () => {
      area.select();
      return document.execCommand('copy') ? 'copied' : 'selected';
    },
  );
  const told = element.querySelector(`.report [data-when='${how}']`);
  if (told) told.hidden = false;
});
