/** Answers whether a worker sees a WebGPU adapter. */
const adapter = (await navigator.gpu.requestAdapter()) ?? (await navigator.gpu.requestAdapter());
self.postMessage(adapter === null ? 'nothing' : 'adapter');

export {};
