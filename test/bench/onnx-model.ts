/** Writes ONNX models of one node, in memory: the few fields of the protobuf format that such a model needs. */

export type OnnxType = 'float32' | 'int32';

/** One operator with named inputs of fixed shapes. */
export interface OneNode {
  readonly operator: string;
  /** Empty for the operators of ONNX itself. */
  readonly domain: string;
  readonly integers: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, { readonly shape: readonly number[]; readonly type: OnnxType }>>;
  /** Inputs of one int64 that belong to the model, behind the others. */
  readonly constants?: Readonly<Record<string, { readonly value: number; readonly shape: readonly number[] }>>;
  /** Outputs behind the first that nobody asks for. */
  readonly unused?: readonly string[];
  readonly output: readonly number[];
}

// Field numbers are those of onnx.proto (onnx/onnx, Apache-2.0). Wire type 0 is a varint, 2 is bytes behind their length.
const IR_VERSION = 8;
const OPERATOR_SET = 17;
const CONTRIB_OPERATOR_SET = 1;
const DATA_TYPES: Readonly<Record<OnnxType, number>> = { float32: 1, int32: 6 };
const INT64 = 7;
const INTEGER_ATTRIBUTE = 2;

/** The serialized `ModelProto`; the output is named `result`. */
export function oneNodeModel({
  operator,
  domain,
  integers,
  inputs,
  constants = {},
  unused = [],
  output,
}: OneNode): Uint8Array<ArrayBuffer> {
  const attributes = Object.entries(integers).map(([name, value]) =>
    bytes(5, [...text(1, name), ...integer(3, value), ...integer(20, INTEGER_ATTRIBUTE)]),
  );
  const node = [
    ...[...Object.keys(inputs), ...Object.keys(constants)].flatMap((name) => text(1, name)),
    ...['result', ...unused].flatMap((name) => text(2, name)),
    ...text(4, operator),
    ...attributes.flat(),
    ...text(7, domain),
  ];
  const graph = [
    ...bytes(1, node),
    ...text(2, operator),
    ...Object.entries(constants).flatMap(([name, { value, shape }]) =>
      bytes(5, [
        ...shape.flatMap((length) => integer(1, length)),
        ...integer(2, INT64),
        ...bytes(7, varint(value)),
        ...text(8, name),
      ]),
    ),
    ...Object.entries(inputs).flatMap(([name, { shape, type }]) => bytes(11, valueInfo(name, shape, type))),
    ...bytes(12, valueInfo('result', output, 'float32')),
  ];
  return Uint8Array.from([
    ...integer(1, IR_VERSION),
    ...bytes(7, graph),
    ...bytes(8, [...text(1, ''), ...integer(2, OPERATOR_SET)]),
    ...bytes(8, [...text(1, 'com.microsoft'), ...integer(2, CONTRIB_OPERATOR_SET)]),
  ]);
}

/** `ValueInfoProto`: a name and the type of a tensor of this shape. */
function valueInfo(name: string, shape: readonly number[], type: OnnxType): number[] {
  const dimensions = shape.flatMap((length) => bytes(1, integer(1, length)));
  return [...text(1, name), ...bytes(2, bytes(1, [...integer(1, DATA_TYPES[type]), ...bytes(2, dimensions)]))];
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
