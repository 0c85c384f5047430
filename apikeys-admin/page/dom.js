// Functions that create nodes. Text always becomes a text node, so that names and other data cannot become markup.

const SVG = 'http://www.w3.org/2000/svg';

/**
 * Creates an element. Members of `attributes` whose name begins with `on` are listeners. Attributes that are
 * `undefined`, `null` or `false` are left out.
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Creates an SVG element. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  node.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return node;
}

/** Creates an element for a name that people have chosen. The name cannot change the order of the text around it. */
export function nameOf(text) {
  return h('bdi', { class: 'name' }, text);
}

/** Encloses a text in the characters that isolate its direction, for attributes. */
export function isolated(text) {
  return `\u2068${text}\u2069`;
}

/** Shows control characters, and characters that change the direction of text, as escape sequences. */
export function visible(text) {
  return text.replace(
    /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Replaces the text of a node, unless the node has this text already. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

let lastId = 0;

/** Returns an id that no other element has. */
export function uniqueId() {
  lastId += 1;
  return `id-${lastId}`;
}

/** Makes `nodes` the children of `parent`. Nodes that stay keep their state, and the focus stays where it is. */
export function arrange(parent, nodes) {
  const focused = parent.getRootNode().activeElement;
  const kept = new Set(nodes);
  for (const child of [...parent.children]) if (!kept.has(child)) child.remove();
  let place = parent.firstElementChild;
  for (const node of nodes) {
    if (node === place) place = place.nextElementSibling;
    else parent.insertBefore(node, place);
  }
  if (focused?.isConnected && parent.contains(focused)) focused.focus({ preventScroll: true });
}
