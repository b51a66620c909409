// Shows the page in Chinese. `texts` says what each English text is, with {0}, {1} ... for what varies: a slot is itself
// translated where that can be, {0:text} stays as it is. Text, some attributes and what dropdowns show are translated in
// place, and again whenever the page changes. Below translate="no" stands what is the user's own: it stays untouched, down
// to the next translate="yes".
(texts) => {
  const REMEMBERED = 'image-to-video-language';
  const ATTRIBUTES = ['placeholder', 'title', 'aria-label', 'alt', 'data-ask', 'data-busy'];
  const TYPED = 'pre, code, textarea'; // what is in them is kept, what is said about them is not
  const LIKE_A_NUMBER = /^(?:[\d\s.,:%×x/+-]|kB|MB|GB|fps|GPU|CPU)*$/;
  const WEAK = 8; // letters: templates with fewer take only slots that are numbers, or texts themselves
  const MOST_REMEMBERED = 5000;

  // --- from text to text ---------------------------------------------------------------------------------------------

  const letters = (text) => text.replace(/[^A-Za-z]/g, '').length;

  // Templates by the longest of their words, so that a text is held against few of them.
  const templates = new Map();
  for (const [english, chinese] of Object.entries(texts)) {
    if (!/\{\d+\}/.test(english)) continue;
    const parts = english.split(/\{\d+\}/);
    const words = parts.join(' ').match(/[A-Za-z]+/g) || [''];
    const longest = words.reduce((best, word) => (word.length > best.length ? word : best));
    const template = { parts, chinese, weight: letters(parts.join('')) };
    templates.set(longest, [...(templates.get(longest) || []), template]);
  }

  // A slot at an end of a text may be an element of its own, such as <b>: then the text beside it stands alone.
  const besides = new Map();
  for (const [english, chinese] of Object.entries(texts)) {
    for (const slot of [/^\{0(:text)?\}\s*/, /\s*\{0(:text)?\}$/]) {
      const [text, shown] = [english.replace(slot, ''), chinese.replace(slot, '')];
      if (text !== english && shown !== chinese && !/\{\d/.test(text)) besides.set(text, shown);
    }
  }

  // How the program joins texts, and what stands between them in Chinese.
  const CLAUSES = [
    [/(?<=[.!?])\s+(?=\S)/, ''],
    [' · ', ' · '],
    ['; ', '；'],
    [' while ', '，同时'],
    [', ', (parts) => (parts.slice(1).every((part) => /^[\d.]+$/.test(part)) || !/\d/.test(parts.join()) ? '、' : '，')],
  ];
  const LISTS = [...CLAUSES, [': ', '：'], [' and ', '和'], [' or ', '或']];

  // What stands in the slots of a template whose parts a text holds in order; null where it does not.
  function slotsOf(text, parts) {
    const last = parts.length - 1;
    const end = text.length - parts[last].length;
    if (!text.startsWith(parts[0]) || !text.endsWith(parts[last]) || end < parts[0].length) return null;
    const slots = [];
    let from = parts[0].length;
    for (const part of parts.slice(1, last)) {
      const at = text.indexOf(part, from);
      if (at < 0 || at + part.length > end) return null;
      slots.push(text.slice(from, at));
      from = at + part.length;
    }
    return [...slots, text.slice(from, end)];
  }

  // Weak templates have few letters and could be met by chance. `fits` says of a slot whether it may stand there; `own`
  // slots are kept as they are.
  function byTemplate(text, isWeak, fits) {
    const words = new Set(['', ...(text.match(/[A-Za-z]+/g) || [])]);
    const near = [...words].flatMap((word) => templates.get(word) || []).filter(({ weight }) => weight < WEAK === isWeak);
    for (const { parts, chinese } of near.sort((one, other) => other.weight - one.weight)) {
      const slots = slotsOf(text, parts);
      if (!slots?.every((slot, number) => fits(slot, chinese.includes(`{${number}:text}`)))) continue;
      return chinese.replace(/\{(\d+)(:text)?\}/g, (_, slot, own) => (own ? slots[slot] : said(slots[slot])));
    }
    return null;
  }

  const isKnown = (text) => LIKE_A_NUMBER.test(text) || translated(text, true) !== null;

  // The parts of a text, where all of them are known, or with `some` any.
  function byParts(text, separators, some) {
    for (const [separator, chinese] of separators) {
      const parts = text.split(separator);
      if (parts.length < 2 || !(some ? parts.some((part) => translated(part)) : parts.every(isKnown))) continue;
      return parts.map(said).join(typeof chinese === 'string' ? chinese : chinese(parts));
    }
    return null;
  }

  // A name and its value: "Guidance scale 7.5".
  function byName(text, strict) {
    const match = /^(.+?) (\S+)$/.exec(text);
    const name = match && exactly(match[1]);
    return name && (!strict || isKnown(match[2])) ? `${name} ${said(match[2])}` : null;
  }

  // Something called by the user's own words: "Favourite: slowly zoom in".
  function byHead(text) {
    const [, head, rest] = /^(.+?: )(.+)$/.exec(text) || [];
    const chinese = head ? exactly(`${head}{0}`) : null;
    return chinese && chinese.replace(/\{0(:text)?\}/, (_, own) => (own ? rest : said(rest)));
  }

  const exactly = (text) => (Object.hasOwn(texts, text) ? texts[text] : (besides.get(text) ?? null));

  // The Chinese of a text without marks at its edges. `strict` leaves out what would be Chinese only in part.
  function search(text, strict) {
    const ways = [text, text[0].toLowerCase() + text.slice(1), text[0].toUpperCase() + text.slice(1)];
    const steps = [
      exactly,
      byHead,
      (way) => byTemplate(way, false, (slot) => exactly(slot) !== null),
      (way) => byParts(way, CLAUSES, false),
      (way) => byTemplate(way, false, (slot, own) => !strict || own || isKnown(slot)),
      (way) => byTemplate(way, true, isKnown),
      (way) => (way.endsWith('.') ? stopped(translated(way.slice(0, -1), strict)) : null),
      (way) => byName(way, strict),
      (way) => (strict ? null : byParts(way, LISTS, true)),
    ];
    for (const step of steps)
      for (const way of ways) {
        const found = step(way);
        if (found !== null) return found;
      }
    return null;
  }

  const stopped = (text) => (text === null ? null : `${text}。`);

  const remembered = new Map();

  // The Chinese of a text, or null where nothing of it is known. Marks at its edges are those of joined texts.
  function translated(text, strict = false) {
    const [, before, core, after] = /^([\s,;:·]*)(.*?)([\s,;:·]*)$/s.exec(text.replace(/\s+/g, ' '));
    if (!/[A-Za-z]/.test(core)) return null;
    const key = `${strict} ${core}`;
    if (!remembered.has(key)) {
      if (remembered.size >= MOST_REMEMBERED) remembered.clear();
      remembered.set(key, search(core, strict));
    }
    const found = remembered.get(key);
    return found === null ? null : marks(before) + found + (/[：，；。]$/.test(found) ? '' : marks(after));
  }

  const marks = (text) => text.replace(/,\s*/, '，').replace(/;\s*/, '；').replace(/:\s*/, '：');
  const said = (text) => translated(text) ?? text;

  // --- from page to page ---------------------------------------------------------------------------------------------

  let language = 'en';
  const sources = new WeakMap(); // of each text node, attribute and field: its English, and what is shown for it

  // What the page was given, wherever `shown` is what was put there.
  const given = (known, shown) => (known && known.shown === shown ? known.english : shown);
  const inLanguage = (english) => (language === 'en' ? english : said(english));

  function showText(node, shown, english = given(sources.get(node), node.data)) {
    sources.set(node, { english, shown });
    if (node.data !== shown) node.data = shown;
  }

  // Code with text on both sides, if only an empty one: Chinese may put words where English has none.
  function withGaps(nodes) {
    const full = [];
    for (const node of nodes) {
      if (isCode(node) && (!full.length || isCode(full.at(-1)))) full.push(emptyBefore(node));
      full.push(node);
    }
    if (isCode(full.at(-1))) full.push(emptyBefore(full.at(-1).nextSibling, full.at(-1).parentNode));
    return full;
  }

  const emptyBefore = (node, parent = node.parentNode) => parent.insertBefore(document.createTextNode(''), node);

  // Text with something to type in it, <code>, is one sentence: its Chinese is shared out around the code.
  function showSentence(parts) {
    const nodes = withGaps(parts);
    const english = nodes.map((node) => (node.nodeType === Node.TEXT_NODE ? given(sources.get(node), node.data) : null));
    const codes = nodes.filter((node) => node.nodeType !== Node.TEXT_NODE).map((node) => `\`${node.textContent}\``);
    const whole = nodes.map((node, number) => english[number] ?? `\`${node.textContent}\``).join('');
    const chinese = language === 'en' ? null : translated(whole);
    if (chinese === null || String(chinese.match(/`[^`]*`/g)) !== String(codes)) {
      nodes.forEach((node, number) => english[number] !== null && showText(node, inLanguage(english[number])));
      return;
    }
    const pieces = chinese.split(/`[^`]*`/);
    let gap = 0;
    nodes.forEach((node, number) => {
      if (english[number] === null) {
        gap += 1;
        return;
      }
      showText(node, pieces[gap], english[number]);
      pieces[gap] = '';
    });
  }

  function showAttributes(element) {
    const known = sources.get(element) || {};
    for (const name of ATTRIBUTES) {
      if (!element.hasAttribute(name)) continue;
      const english = given(known[name], element.getAttribute(name));
      known[name] = { english, shown: inLanguage(english) };
      if (element.getAttribute(name) !== known[name].shown) element.setAttribute(name, known[name].shown);
    }
    if (Object.keys(known).length) sources.set(element, known);
  }

  // A dropdown's field shows the Chinese of what the program puts into it, and tells the program the English.
  const VALUE = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value');
  const fields = new WeakMap();

  function showField(field) {
    const known = fields.get(field);
    const english = given(known, VALUE.get.call(field));
    const put = (value) => {
      const shown = inLanguage(value);
      fields.set(field, { english: value, shown });
      VALUE.set.call(field, shown);
    };
    if (!known)
      Object.defineProperty(field, 'value', {
        configurable: true,
        get: () => given(fields.get(field), VALUE.get.call(field)),
        set: put,
      });
    put(english);
  }

  const isCode = (node) => node.nodeName === 'CODE' && node.getAttribute('translate') !== 'no';

  function showChildren(element) {
    let sentence = [];
    const end = () => {
      if (sentence.some(isCode)) showSentence(sentence);
      else for (const node of sentence) showText(node, inLanguage(given(sources.get(node), node.data)));
      sentence = [];
    };
    for (const node of [...element.childNodes]) {
      if (node.nodeType === Node.TEXT_NODE || isCode(node)) {
        sentence.push(node);
        continue;
      }
      end();
      if (node.nodeType === Node.ELEMENT_NODE) showElement(node);
    }
    end();
  }

  const isKept = (element) => element.closest('[translate]')?.getAttribute('translate') === 'no';

  function showElement(element) {
    if (element.matches('script, style')) return;
    if (isKept(element)) {
      for (const part of element.querySelectorAll('[translate=yes]')) showElement(part);
      return;
    }
    showAttributes(element);
    if (element.matches('input[role=combobox]')) showField(element);
    if (!element.matches(TYPED)) showChildren(element);
  }

  const watched = { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ATTRIBUTES };
  const observer = new MutationObserver((changes) => {
    const changed = new Set(changes.map(({ type, target }) => (type === 'characterData' ? target.parentNode : target)));
    for (const element of changed)
      if (element?.isConnected && !element.parentElement?.closest(TYPED)) showElement(element);
    observer.takeRecords(); // its own
  });

  function show(next) {
    language = next;
    document.documentElement.lang = next;
    for (const picker of document.querySelectorAll('#language')) picker.value = next;
    observer.disconnect();
    showElement(document.body);
    if (next !== 'en') observer.observe(document.body, watched);
  }

  // --- the choice ----------------------------------------------------------------------------------------------------

  function chosen() {
    const spoken = [localStorage.getItem(REMEMBERED), ...navigator.languages].map((each) => each?.toLowerCase());
    return spoken.find((each) => /^(en|zh)\b/.test(each))?.startsWith('zh') ? 'zh-CN' : 'en';
  }

  document.addEventListener('change', ({ target }) => {
    if (target.id !== 'language') return;
    localStorage.setItem(REMEMBERED, target.value);
    show(target.value);
  });
  if (chosen() !== 'en') show(chosen());
}
