/** The lines of HTML that put a lab into another page. */
import { attributeName, differences, valueText } from './attributes';
import { presetValues, type LabSchema, type Setting } from './permalink';

/** Text made safe inside a double-quoted attribute. */
function escapeAttribute(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/**
 * A module script and a `<tessella-lab>` with what differs from its preset. `moduleUrl` is the address of `embed.js`.
 * Files that a person brought cannot travel in a snippet; the preset's own data stands in.
 */
export function embedSnippet(
  schema: LabSchema,
  setting: Pick<Setting, 'preset' | 'values'>,
  moduleUrl: string,
): string {
  const attributes = [`lab="${escapeAttribute(schema.id)}"`];
  if (setting.preset !== null) attributes.push(`preset="${escapeAttribute(setting.preset)}"`);
  for (const name of differences(schema.params, presetValues(schema, setting.preset), setting.values)) {
    const value = setting.values[name];
    const text = value === undefined ? null : valueText(value);
    if (text !== null) attributes.push(`${attributeName(name)}="${escapeAttribute(text)}"`);
  }
  return [
    `<script type="module" src="${escapeAttribute(moduleUrl)}"></script>`,
    `<tessella-lab ${attributes.join(' ')}></tessella-lab>`,
  ].join('\n');
}
