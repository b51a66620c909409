// The photo with its motion brush. `props.value` is the list of strokes, in fractions of the photo (see app/brush.py);
// `props.photo` {url, name, number}, `props.areas` {region: url}, `props.labels` and `props.message` come from the server.
// Gradio forgets them where the tab was not opened yet, so each may be missing.
const root = element.querySelector('.photo');
const find = (selector) => root.querySelector(selector);
const picture = find('img');
const canvas = find('canvas');
const file = find('input[type=file]');
const colours = props.colours || [];
const layers = colours.map(() => document.createElement('canvas'));
const areaImages = {};
let tool = null; // a region's number, 'eraser', or null: then a finger scrolls the page
let stroke = null;

function strokes() {
  return props.value || [];
}

function say(text) {
  find('.photo-message').textContent = text || '';
}

// --- choosing a photo ---------------------------------------------------------------------------------------------

async function take(chosen) {
  if (!chosen) return;
  say('');
  root.dataset.busy = 'Reading the photo';
  try {
    const { path } = await upload(chosen);
    trigger('pick', { path, name: chosen.name });
  } catch (error) {
    delete root.dataset.busy;
    say(`${chosen.name} could not be uploaded: ${error.message || error}`);
  }
}

async function takeAll(files) {
  if (files.length < 2 || props.most < 2) return take(files[0]);
  say('');
  const sent = await uploadAll(files, props.most, (told) => (root.dataset.busy = told));
  delete root.dataset.busy;
  trigger('several', sent);
}

function showPhoto() {
  delete root.dataset.busy;
  const photo = props.photo;
  file.value = '';
  if (!photo) return;
  picture.onload = () => {
    root.dataset.state = 'loaded';
    root.dataset.photo = Number(root.dataset.photo || 0) + 1;
    for (const each of [canvas, ...layers]) {
      each.width = picture.naturalWidth;
      each.height = picture.naturalHeight;
    }
    redraw();
  };
  picture.alt = photo.name;
  picture.translate = false; // the name is the user's own
  picture.src = photo.url;
}

file.addEventListener('change', () => takeAll([...file.files]));
root.addEventListener('dragover', (event) => {
  event.preventDefault();
  root.classList.add('dragging');
});
root.addEventListener('dragleave', () => root.classList.remove('dragging'));
root.addEventListener('drop', async (event) => {
  root.classList.remove('dragging');
  const dropped = event.dataTransfer.files[0];
  if (/\.(mp4|webm|json)$/i.test(dropped?.name)) return; // no photo: restore.js takes its settings
  event.preventDefault();
  takeAll(await filesOf(event.dataTransfer));
});
document.addEventListener('paste', (event) => {
  const pasted = [...event.clipboardData.files].find((each) => each.type.startsWith('image/'));
  // The tab in sight takes it; where two photos wait, the one that is still empty.
  const waits = [...document.querySelectorAll('.photo')].filter((each) => each.offsetParent);
  const taker = waits.find((each) => each.dataset.state !== 'loaded') || waits[0];
  if (!pasted || taker !== root || event.defaultPrevented) return;
  event.preventDefault();
  take(pasted);
});

// --- drawing ------------------------------------------------------------------------------------------------------

function line(context, item, from) {
  const points = item.points.slice(from).map(([x, y]) => [x * canvas.width, y * canvas.height]);
  context.lineWidth = item.size * canvas.width;
  context.lineCap = context.lineJoin = 'round';
  context.beginPath();
  context.moveTo(...points[0]);
  for (const point of points.slice(points.length > 1 ? 1 : 0)) context.lineTo(...point);
  context.stroke();
}

function apply(item, from = 0) {
  layers.forEach((layer, region) => {
    if (item.tool !== 'eraser' && region !== item.region) return;
    const context = layer.getContext('2d');
    context.globalCompositeOperation = item.tool === 'eraser' ? 'destination-out' : 'source-over';
    context.strokeStyle = colours[region];
    if (item.tool !== 'area') line(context, item, from);
    else if (areaImages[region]) context.drawImage(areaImages[region], 0, 0, layer.width, layer.height);
  });
}

function compose() {
  const context = canvas.getContext('2d');
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.globalAlpha = 0.62;
  for (const layer of layers) context.drawImage(layer, 0, 0);
}

function redraw() {
  for (const layer of layers) layer.getContext('2d').clearRect(0, 0, layer.width, layer.height);
  for (const item of strokes()) apply(item);
  if (stroke) apply(stroke);
  if (canvas.width) compose();
  root.classList.toggle('painted', strokes().length > 0);
}

async function showAreas() {
  for (const [region, url] of Object.entries(props.areas || {})) {
    const image = new Image();
    image.src = url;
    await image.decode();
    areaImages[region] = image;
  }
  redraw();
}

// --- the brush ----------------------------------------------------------------------------------------------------

function place(event) {
  const box = canvas.getBoundingClientRect();
  const limit = (value) => Math.min(2, Math.max(-1, Number(value.toFixed(4))));
  return [limit((event.clientX - box.left) / box.width), limit((event.clientY - box.top) / box.height)];
}

function change(value) {
  props.value = value;
  redraw();
  trigger('input');
}

canvas.addEventListener('pointerdown', (event) => {
  if (tool === null || event.button) return;
  canvas.setPointerCapture(event.pointerId);
  const region = tool === 'eraser' ? 0 : tool;
  const kind = tool === 'eraser' ? 'eraser' : 'brush';
  stroke = { tool: kind, region, size: find('.photo-size').value / 100, points: [place(event)] };
  apply(stroke);
  compose();
});
canvas.addEventListener('pointermove', (event) => {
  if (!stroke) return;
  for (const each of event.getCoalescedEvents?.() || [event]) stroke.points.push(place(each));
  if (stroke.points.length > 15000) return finish();
  apply(stroke, Math.max(0, stroke.points.length - 12));
  compose();
});
function finish() {
  if (!stroke) return;
  const done = stroke;
  stroke = null;
  change([...strokes(), done]);
}
canvas.addEventListener('pointerup', finish);
canvas.addEventListener('pointercancel', finish);

function choose(next) {
  tool = tool === next ? null : next;
  root.dataset.tool = tool === null ? 'none' : 'on';
  for (const button of root.querySelectorAll('[data-region]'))
    button.setAttribute('aria-pressed', String(tool === Number(button.dataset.region)));
  find('[data-act=eraser]').setAttribute('aria-pressed', String(tool === 'eraser'));
}

find('.photo-name').addEventListener('submit', (event) => {
  event.preventDefault();
  const words = find('.photo-name input').value.trim();
  if (!words || root.dataset.busy) return;
  root.dataset.busy = `Looking for ${words}`;
  trigger('named', { words, region: typeof tool === 'number' ? tool : null });
});

function showLabels() {
  const chips = find('.photo-chips');
  chips.replaceChildren(
    ...(props.labels || []).map((label, region) => {
      const chip = document.createElement('button');
      chip.type = 'button';
      chip.dataset.region = region;
      chip.style.setProperty('--chip', colours[region]);
      chip.textContent = label;
      chip.title = `Paint what should move: ${label}`;
      chip.setAttribute('aria-pressed', String(tool === region));
      chip.addEventListener('click', () => choose(region));
      return chip;
    }),
  );
}

function showBrush() {
  root.dataset.brush = props.brush ? 'on' : 'off';
  root.dataset.named = props.named ? 'on' : 'off';
  if (!props.brush && tool !== null) choose(tool);
}

const actions = {
  eraser: () => choose('eraser'),
  undo: () => strokes().length && change(strokes().slice(0, -1)),
  clear: () => strokes().length && change([]),
  find: () => trigger('find'),
  change: () => file.click(),
};
for (const button of root.querySelectorAll('[data-act]')) button.addEventListener('click', actions[button.dataset.act]);

watch('photo', showPhoto);
watch('areas', showAreas);
watch('labels', showLabels);
watch('value', redraw);
watch('brush', showBrush);
watch('named', showBrush);
watch('message', () => {
  delete root.dataset.busy;
  say(props.message?.[0]);
});
showLabels();
showBrush();
showPhoto();
