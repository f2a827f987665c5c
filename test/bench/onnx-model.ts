/** Writes ONNX models of one node, in memory: the few fields of the protobuf format that such a model needs. */

/** One operator with named inputs of fixed float32 shapes. */
export interface OneNode {
  readonly operator: string;
  /** Empty for the operators of ONNX itself. */
  readonly domain: string;
  readonly integers: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, readonly number[]>>;
  readonly output: readonly number[];
}

// Field numbers are those of onnx.proto (onnx/onnx, Apache-2.0). Wire type 0 is a varint, 2 is bytes behind their length.
const IR_VERSION = 8;
const OPERATOR_SET = 17;
const CONTRIB_OPERATOR_SET = 1;
const FLOAT = 1;
const INTEGER_ATTRIBUTE = 2;

/** The serialized `ModelProto`; the output is named `result`. */
export function oneNodeModel({ operator, domain, integers, inputs, output }: OneNode): Uint8Array<ArrayBuffer> {
  const attributes = Object.entries(integers).map(([name, value]) =>
    bytes(5, [...text(1, name), ...integer(3, value), ...integer(20, INTEGER_ATTRIBUTE)]),
  );
  const node = [
    ...Object.keys(inputs).flatMap((name) => text(1, name)),
    ...text(2, 'result'),
    ...text(4, operator),
    ...attributes.flat(),
    ...text(7, domain),
  ];
  const graph = [
    ...bytes(1, node),
    ...text(2, operator),
    ...Object.entries(inputs).flatMap(([name, shape]) => bytes(11, valueInfo(name, shape))),
    ...bytes(12, valueInfo('result', output)),
  ];
  return Uint8Array.from([
    ...integer(1, IR_VERSION),
    ...bytes(7, graph),
    ...bytes(8, [...text(1, ''), ...integer(2, OPERATOR_SET)]),
    ...bytes(8, [...text(1, 'com.microsoft'), ...integer(2, CONTRIB_OPERATOR_SET)]),
  ]);
}

/** `ValueInfoProto`: a name and the type of a float32 tensor of this shape. */
function valueInfo(name: string, shape: readonly number[]): number[] {
  const dimensions = shape.flatMap((length) => bytes(1, integer(1, length)));
  return [...text(1, name), ...bytes(2, bytes(1, [...integer(1, FLOAT), ...bytes(2, dimensions)]))];
}

function integer(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

function bytes(field: number, content: readonly number[]): number[] {
  return [...varint(field * 8 + 2), ...varint(content.length), ...content];
}

function text(field: number, value: string): number[] {
  return bytes(field, [...new TextEncoder().encode(value)]);
}

/** Seven bits a byte, the lowest first; the highest bit says that more follow. */
function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}
