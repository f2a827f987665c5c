/**
 * uPlot formats numbers in `navigator.language` as soon as its module runs, and throws where that is no language tag:
 * Chromium says `en-US@posix` in the plain C locale of servers and containers. Import this before uPlot; where the tag
 * is in order nothing is touched. To be deleted when uPlot falls back by itself.
 */
try {
  Intl.getCanonicalLocales(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US', configurable: true });
}
