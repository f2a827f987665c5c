/** Turns a lab's definition into plain data that can cross to the page: everything about it but its code. */
import type { ClaimManifest, LabManifest, LabSummary } from './protocol';
import type { AnyLab } from '../labs/define';
import type { ParameterDeclarations, ParameterValue, ParameterValues } from '../labs/parameters';

/** The list of papers is loaded when it is asked for: a run does without. */
export async function loadPapers() {
  return (await import('../labs/papers')).papers;
}

/** What the gallery needs. */
export async function summarize(lab: AnyLab): Promise<LabSummary> {
  const papers = await loadPapers();
  return {
    id: lab.id,
    title: lab.title,
    family: lab.family,
    summary: lab.summary,
    papers: lab.papers.map((key) => papers[key]),
    claims: lab.claims.map((claim): ClaimManifest => ({
      id: claim.id,
      paper: papers[claim.paper],
      says: claim.says,
      preset: claim.preset,
      quick: claim.quick ?? claim.preset,
      expected: claim.expected,
      unit: claim.unit ?? null,
    })),
  };
}

/** Everything but the code. */
export async function manifest(lab: AnyLab): Promise<LabManifest> {
  return {
    ...(await summarize(lab)),
    params: lab.params,
    presets: Object.fromEntries(
      Object.entries(lab.presets).map(([name, preset]) => [
        name,
        { label: preset.label, params: patchValues(lab.params, preset.params) },
      ]),
    ),
    quick: lab.quick,
    thumbnail: lab.thumbnail,
    figures: lab.figures,
    kernels: lab.kernels,
  };
}

/** A preset's or a claim's patch as values: data parameters are named by sample there. */
export function patchValues(
  declarations: ParameterDeclarations,
  patch: Readonly<Record<string, unknown>>,
): ParameterValues {
  const values: Record<string, ParameterValue> = {};
  for (const [name, value] of Object.entries(patch)) {
    if (typeof value === 'string' && declarations[name]?.kind === 'data')
      values[name] = { kind: 'sample', name: value };
    else if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') values[name] = value;
  }
  return values;
}
