// Writes ONNX files: a graph is a list of named operators over named tensors, encoded by protobufjs with the part of
// the ONNX schema that float networks need (onnx/onnx.proto3, IR version 8). Enough to write a network by hand.

import protobuf from 'protobufjs';

const schema = protobuf.parse(
	`syntax = "proto3";
	message OperatorSetIdProto { string domain = 1; int64 version = 2; }
	message StringStringEntryProto { string key = 1; string value = 2; }
	message TensorProto { repeated int64 dims = 1; int32 data_type = 2; string name = 8; bytes raw_data = 9; }
	message AttributeProto { string name = 1; float f = 2; int64 i = 3; repeated float floats = 7; repeated int64 ints = 8; int32 type = 20; }
	message NodeProto { repeated string input = 1; repeated string output = 2; string name = 3; string op_type = 4; repeated AttributeProto attribute = 5; }
	message Dimension { oneof value { int64 dim_value = 1; string dim_param = 2; } }
	message TensorShapeProto { repeated Dimension dim = 1; }
	message TensorTypeProto { int32 elem_type = 1; TensorShapeProto shape = 2; }
	message TypeProto { TensorTypeProto tensor_type = 1; }
	message ValueInfoProto { string name = 1; TypeProto type = 2; }
	message GraphProto {
		repeated NodeProto node = 1; string name = 2; repeated TensorProto initializer = 5;
		repeated ValueInfoProto input = 11; repeated ValueInfoProto output = 12;
	}
	message ModelProto {
		int64 ir_version = 1; string producer_name = 2; GraphProto graph = 7;
		repeated OperatorSetIdProto opset_import = 8; repeated StringStringEntryProto metadata_props = 14;
	}`,
	{ keepCase: true },
).root;

const FLOAT = 1;
const INT64 = 7;

/** An attribute of an operator: whole numbers are ints; write `{ float: 1 }` for a float that is whole. */
export type Attribute = number | readonly number[] | { readonly float: number };

/** A network under construction. Every method returns the name of the tensor it made. */
export class OnnxGraph {
	readonly #node: object[] = [];
	readonly #initializer: object[] = [];
	readonly #input: object[] = [];
	readonly #output: object[] = [];
	#count = 0;

	/** Declares a float input; a string in `dims` is a symbolic dimension. */
	input(name: string, dims: readonly (number | string)[]): string {
		this.#input.push(valueInfo(name, dims));
		return name;
	}

	/** A float constant of shape `dims`; no dims makes a scalar. */
	constant(values: readonly number[], dims: readonly number[] = []): string {
		const bytes = new DataView(new ArrayBuffer(4 * values.length));
		for (let i = 0; i < values.length; i++) bytes.setFloat32(4 * i, values[i], true);
		return this.#store(FLOAT, dims, bytes);
	}

	/** A one-dimensional int64 constant: shapes, axes, starts, ends. */
	integers(values: readonly number[]): string {
		const bytes = new DataView(new ArrayBuffer(8 * values.length));
		for (let i = 0; i < values.length; i++) bytes.setBigInt64(8 * i, BigInt(values[i]), true);
		return this.#store(INT64, [values.length], bytes);
	}

	/** Appends an operator with one output. */
	op(type: string, inputs: readonly string[], attributes: Readonly<Record<string, Attribute>> = {}): string {
		const output = `${type.toLowerCase()}_${this.#count++}`;
		this.#append(type, inputs, [output], attributes);
		return output;
	}

	/** Cuts a tensor along an axis into pieces of these sizes; one name per piece. */
	split(input: string, axis: number, sizes: readonly number[]): string[] {
		const outputs = sizes.map(() => `split_${this.#count++}`);
		this.#append('Split', [input, this.integers(sizes)], outputs, { axis });
		return outputs;
	}

	/** Declares tensor `from` as the output `name`, of floats unless said otherwise. */
	output(name: string, from: string, dims: readonly (number | string)[], type: 'float32' | 'int64' = 'float32'): void {
		this.#append('Identity', [from], [name], {});
		this.#output.push(valueInfo(name, dims, type === 'int64' ? INT64 : FLOAT));
	}

	/** The file. `metadata` becomes the model's metadata_props. The same graph always gives the same bytes. */
	encode(name: string, metadata: Readonly<Record<string, string>> = {}): Uint8Array {
		const model = {
			ir_version: 8,
			producer_name: 'kedge',
			opset_import: [{ domain: '', version: 17 }],
			graph: { name, node: this.#node, initializer: this.#initializer, input: this.#input, output: this.#output },
			metadata_props: Object.entries(metadata).map(([key, value]) => ({ key, value })),
		};
		const type = schema.lookupType('ModelProto');
		const problem = type.verify(model);
		if (problem) throw new TypeError(`OnnxGraph.encode: the graph does not fit the ONNX schema; got ${problem}`);
		return type.encode(type.fromObject(model)).finish();
	}

	#append(type: string, input: readonly string[], output: readonly string[], attributes: Readonly<Record<string, Attribute>>): void {
		this.#node.push({ input, output, name: output[0], op_type: type, attribute: Object.entries(attributes).map(attribute) });
	}

	#store(data_type: number, dims: readonly number[], bytes: DataView): string {
		const name = `constant_${this.#count++}`;
		this.#initializer.push({ name, data_type, dims, raw_data: new Uint8Array(bytes.buffer) });
		return name;
	}
}

function attribute([name, value]: [string, Attribute]): object {
	if (typeof value === 'number') return Number.isInteger(value) ? { name, type: 2, i: value } : { name, type: 1, f: value };
	if ('float' in value) return { name, type: 1, f: value.float };
	return value.every(Number.isInteger) ? { name, type: 7, ints: value } : { name, type: 6, floats: value };
}

function valueInfo(name: string, dims: readonly (number | string)[], elem_type = FLOAT): object {
	const dim = dims.map((d) => (typeof d === 'number' ? { dim_value: d } : { dim_param: d }));
	return { name, type: { tensor_type: { elem_type, shape: { dim } } } };
}
