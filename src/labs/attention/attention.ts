/** Attention on an image: non-local means is softmax attention, with patches as queries and keys and pixels as values. */
import { nonLocalMeans, peakSignalToNoise } from '../../algorithms/non-local-means';
import { sampleLabels } from '../../data/samples';
import { defineLab } from '../define';
import * as denoising from '../denoising';
import { heatmap, image, line, table } from '../frames';
import { choice, data, integer, real, seed } from '../parameters';

const temperature = 'Bandwidth: how much patches may differ. The temperature of the softmax.';
const variants = { both: 'flash and naive', flash: 'flash', naive: 'naive' };
const masks = { none: 'all pixels', causal: 'those before', window: 'a window', both: 'a window before' };

export default defineLab({
  id: 'attention',
  title: 'Attention on an image',
  family: 'attention',
  summary: 'Non-local means is softmax attention: patches look at patches. Click a pixel to see what it looks at.',
  papers: ['flash-attention-2022', 'non-local-means-2005', 'online-softmax-2018'],
  params: {
    photograph: data('image', { label: 'photograph', default: 'allium-oreophilum', samples: sampleLabels }),
    size: integer({ label: 'longer side', min: 16, max: 128, default: 64, unit: 'px' }),
    part: choice({ label: 'pixels of', options: { whole: 'all, scaled', window: 'a window' }, default: 'whole' }),
    noise: real({ label: 'noise', help: 'Standard deviation; white is 1.', min: 0, max: 0.5, default: 0.1 }),
    bandwidth: real({ label: 'h', help: temperature, min: 0.005, max: 1, scale: 'log', default: 0.09, live: true }),
    patch: integer({ label: 'patch', min: 1, max: 9, step: 2, default: 3, unit: 'px' }),
    heads: choice({ label: 'heads', options: { one: 'one', three: 'one per colour channel' }, default: 'one' }),
    mask: choice({ label: 'a pixel sees', help: 'In reading order.', options: masks, default: 'none' }),
    window: integer({ label: 'window', min: 1, max: 16_384, scale: 'log', default: 512, unit: 'px' }),
    variant: choice({ label: 'variant', options: variants, default: 'both' }),
    seed: seed(7),
    queryX: integer({ label: 'query column', min: 0, max: 127, default: 25, live: true, hidden: true }),
    queryY: integer({ label: 'query row', min: 0, max: 127, default: 20, live: true, hidden: true }),
  },
  presets: {
    quick: { label: '64 pixels high', params: { size: 64 } },
    standard: { label: '80 pixels high', params: { size: 80 } },
    large: { label: '128 x 128 pixels', params: { size: 128, part: 'window', variant: 'flash' } },
  },
  quick: 'quick',
  thumbnail: { preset: 'quick', figure: 'pictures' },
  figures: {
    pictures: image({
      title: 'Pictures',
      slots: { clean: 'clean', noisy: 'noisy', denoised: 'denoised', row: 'attention row' },
      compare: ['noisy', 'denoised'],
      pick: { x: 'queryX', y: 'queryY' },
    }),
    numbers: table({ title: 'Flash and naive', columns: denoising.variantColumns }),
    quality: line({ title: 'Quality', x: 'bandwidth h', y: 'PSNR, dB', xScale: 'log', span: 'half' }),
    row: heatmap({ title: 'Attention row', rows: 'y', columns: 'x', value: 'log10 weight', span: 'half' }),
  },
  kernels: ['attention', 'attentionWeights', 'patches', 'randomNormal'],
  memory: {
    bytes: ({ size, patch, variant }) =>
      size ** 2 * (12 * patch ** 2 + 64) + (variant === 'flash' ? 0 : Math.min(2 ** 27, 12 * size ** 4)),
    lower: 'size',
  },

  async *run({ device, params, frame, nextChange }) {
    const clean = denoising.pictureOf(params.photograph, params.size, params.part === 'window');
    const noisy = await denoising.withNoise(device, clean, params.noise, params.seed);
    const pixels = clean.width * clean.height;
    const status = { state: 'running', text: `${pixels} patches`, step: 0, steps: pixels } as const;
    yield frame({ pictures: [denoising.imageOf('clean', clean), denoising.imageOf('noisy', noisy, clean)], status });

    const comparison = { patchSize: params.patch, heads: params.heads === 'one' ? 1 : 3 } as const;
    const model = nonLocalMeans(device, noisy, { ...comparison, ...denoising.maskOf(params.mask, params.window) });
    const bandwidth = (): number => params.bandwidth;
    const look = () => denoising.lookAt(device, model, clean, params.bandwidth, [params.queryX, params.queryY]);
    const rows: denoising.TableRow[] = [{ method: 'noisy', psnr: peakSignalToNoise(noisy, clean) }];
    const source = `${device.info.label}; float64 at eight pixels; memory is the most held at a time`;
    const results: { flash?: denoising.VariantNumbers; naive?: denoising.VariantNumbers } = {};

    for (const variant of ['flash', 'naive'] as const) {
      if (params.variant !== 'both' && params.variant !== variant) continue;
      for await (const step of denoising.runVariant(device, model, clean, { variant, bandwidth })) {
        if (step.frame) yield frame({ ...step.frame, status: { ...step.frame.status, state: 'running' } });
        if (step.result) results[variant] = step.result;
        const other = variant === 'naive' ? results.flash : undefined;
        if (step.result || step.refusal) rows.push(denoising.rowOf(variant, step, other));
        if (step.result) yield frame({ quality: { series: 'all pixels', x: params.bandwidth, y: step.result.psnr } });
      }
      yield frame({ ...(await look()), numbers: { rows: [...rows], source } });
    }
    const blur = await denoising.bestBlur(device, noisy, clean);
    rows.push({ method: `Gaussian blur of ${blur.sigma} px, the best of five`, psnr: blur.psnr });
    yield frame({ numbers: { rows, source } });
    for await (const quality of denoising.sweepBandwidth(device, model, clean, params.noise)) yield frame({ quality });
    const text = `${pixels} pixels, PSNR ${(results.flash ?? results.naive)?.psnr.toFixed(2) ?? 'unknown'} dB`;
    yield frame({ status: { state: 'done', text, step: pixels, steps: pixels } });

    for (let shown = params.bandwidth; await nextChange();) {
      yield frame(await look());
      if (params.bandwidth === shown) continue;
      for await (const step of denoising.runVariant(device, model, clean, { variant: 'flash', bandwidth })) {
        shown = params.bandwidth;
        if (step.frame) yield frame(step.frame);
        if (step.result) yield frame({ quality: { series: 'all pixels', x: shown, y: step.result.psnr } });
      }
    }
    return { ...results, pixels, blurPsnr: blur.psnr };
  },

  claims: [
    {
      id: 'flash-is-exact',
      paper: 'flash-attention-2022',
      says: 'Flash attention is exact: its error to float64 is that of attention with stored scores.',
      preset: 'quick',
      expected: 'flash error / naive error <= 2',
      measure: ({ flash, naive }) => (flash && naive ? flash.error / naive.error : Number.NaN),
      holds: (ratio) => ratio <= 2,
    },
    {
      id: 'memory-is-linear',
      paper: 'flash-attention-2022',
      says: 'The memory of flash attention grows linearly with the number of keys.',
      preset: 'large',
      quick: 'quick',
      expected: 'exponent <= 1.1',
      async measure({ flash, pixels }, run) {
        const small = await run({ size: 32, variant: 'flash' });
        return Math.log((flash?.heldBytes ?? 0) / (small.flash?.heldBytes ?? 0)) / Math.log(pixels / small.pixels);
      },
      holds: (exponent) => exponent <= 1.1,
    },
    {
      id: 'flash-is-faster',
      paper: 'flash-attention-2022',
      says: 'Not storing the scores makes attention faster.',
      preset: 'standard',
      quick: 'quick',
      expected: 'naive time / flash time > 1',
      measure: ({ flash, naive }) => (flash && naive ? naive.milliseconds / flash.milliseconds : Number.NaN),
      holds: (ratio) => ratio > 1,
    },
    {
      id: 'patches-beat-blur',
      paper: 'non-local-means-2005',
      says: 'Averaging pixels with similar surroundings denoises better than averaging neighbours.',
      preset: 'large',
      quick: 'quick',
      expected: '> 0 above the best Gaussian blur',
      unit: 'dB',
      measure: ({ flash, blurPsnr }) => (flash ? flash.psnr - blurPsnr : Number.NaN),
      holds: (gain) => gain > 0,
    },
  ],
});
