/** Colours for WGSL on show: comments, keywords, attributes, numbers. The editor, when it comes, brings its own. */
import { html, type TemplateResult } from 'lit';

const keywords = [
  ...[
    'alias',
    'break',
    'case',
    'const',
    'const_assert',
    'continue',
    'continuing',
    'default',
    'diagnostic',
    'else',
    'enable',
  ],
  ...['fn', 'for', 'if', 'import', 'let', 'loop', 'override', 'requires', 'return', 'struct', 'switch', 'var', 'while'],
  ...['bool', 'f16', 'f32', 'i32', 'u32', 'array', 'atomic', 'true', 'false'],
  ...['vec2f', 'vec3f', 'vec4f', 'vec2u', 'vec3u', 'vec4u', 'vec2i', 'vec3i', 'vec4i', 'mat4x4f'],
];

const pieces = new RegExp(
  [
    '(?<comment>//[^\\n]*|/\\*[\\s\\S]*?\\*/)',
    '(?<attribute>@[a-z_]+)',
    `(?<keyword>\\b(?:${keywords.join('|')})\\b)`,
    '(?<number>\\b(?:0[xX][\\da-fA-F.]+(?:[pP][+-]?\\d+)?|\\d+\\.?\\d*(?:[eE][+-]?\\d+)?)[ufhi]?\\b)',
  ].join('|'),
  'g',
);

/** The text with `<span class="keyword">` and the like around what they name. */
export function highlightWgsl(source: string): TemplateResult {
  const parts: (string | TemplateResult)[] = [];
  let position = 0;
  for (const match of source.matchAll(pieces)) {
    parts.push(source.slice(position, match.index));
    const groups: Partial<Record<string, string>> = match.groups ?? {};
    const kind = Object.keys(groups).find((name) => groups[name] !== undefined) ?? '';
    parts.push(html`<span class=${kind}>${match[0]}</span>`);
    position = match.index + match[0].length;
  }
  parts.push(source.slice(position));
  return html`${parts}`;
}
