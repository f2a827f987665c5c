// The gradients of attention by recomputation (FlashAttention, Dao et al. 2022, algorithm 4; Dao 2023): no scores are stored.
//
// With weights P = softmax(S) and delta_i = <dO_i, O_i>, dV = P^T dO, dS = P o (dO V^T - delta), dQ = scale dS K and
// dK = scale dS^T Q. Each of the three is a product of weights that are made tile by tile with a matrix that is there, so one
// kernel makes any of them: a workgroup owns 4 * LANES rows of the gradient (queries, or with `keysOwn` keys) and goes through
// tiles of 4 * GROUPS rows of the other kind. Nothing is added up atomically, so results are the same each time.
import package::common::exp::exponential4;
import package::attention::blocks::{NEXT, similarities};
import package::attention::operands::{params, query_block, key_block, value_block};
import package::attention::logits::{scaled, cap_slope, restricted};
import package::attention::tile::{BLOCK_OWNED, BLOCK_STREAMED, weights_of, keep_weights};
import constants::LANES;
import constants::GROUPS;

@if(valueVectors) @group(0) @binding(5) var<storage, read> output_gradient: array<vec4f>;
@else @group(0) @binding(5) var<storage, read> output_gradient: array<f32>;
/// By head and query: maximum, 1 / sum, delta.
@group(0) @binding(6) var<storage, read> row_state: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> target_rows: array<f32>;
@if(biasGradient) @group(0) @binding(8) var<storage, read_write> bias_gradient: array<f32>;

@if(valueVectors)
fn output_chunk(row: u32, chunk: u32) -> vec4f { return output_gradient[row + min(chunk, params.value_dimension / 4u - 1u)]; }
@else
fn output_chunk(row: u32, chunk: u32) -> vec4f {
  let column = vec4u(4u * chunk) + NEXT;
  let at = vec4u(row) + min(column, vec4u(params.value_dimension - 1u));
  let block = vec4f(output_gradient[at.x], output_gradient[at.y], output_gradient[at.z], output_gradient[at.w]);
  return select(vec4f(), block, column < vec4u(params.value_dimension));
}

fn output_block(rows: vec4u, chunk: u32) -> mat4x4f {
  return mat4x4f(output_chunk(rows.x, chunk), output_chunk(rows.y, chunk), output_chunk(rows.z, chunk), output_chunk(rows.w, chunk));
}

/// Where rows of the two kinds lie.
fn query_rows(head: u32, at: vec4u) -> vec4u { return head * params.query_head + at * params.query_row; }
fn key_rows(head: u32, at: vec4u) -> vec4u { return (head / params.group) * params.key_head + at * params.key_row; }
fn value_rows(head: u32, at: vec4u) -> vec4u { return (head / params.group) * params.value_head + at * params.value_row; }
fn output_rows(head: u32, at: vec4u) -> vec4u { return head * params.result_head + at * params.result_row; }

/// What four queries need besides their rows: maximum, 1 / sum, delta, one vec4 each.
struct States { maxima: vec4f, inverse_sums: vec4f, deltas: vec4f }
fn states_of(head: u32, at: vec4u) -> States {
  let start = head * params.end_query;
  let s = transpose(mat4x4f(row_state[start + at.x], row_state[start + at.y], row_state[start + at.z], row_state[start + at.w]));
  return States(s[0], s[1], s[2]);
}

/// P, or dS, of four pairs.
fn pair_weights(products: vec4f, changes: vec4f, head: u32, query: vec4u, key: vec4u, states: States, is_edge: bool) -> vec4f {
  let capped = scaled(products);
  let logits = restricted(capped, vec4u(head), query, key, is_edge);
  let weights = select(vec4f(), exponential4(logits - states.maxima) * states.inverse_sums, query < vec4u(params.end_query));
  @if(weightsOnly) { return weights; }
  @if(!weightsOnly) { return weights * (changes - states.deltas); }
}

/// The block of weights: a column per owned row, a row per streamed row.
fn block_weights(products: mat4x4f, changes: mat4x4f, head: u32, owned: vec4u, streamed: vec4u, states: States, is_edge: bool) -> mat4x4f {
  var block: mat4x4f;
  for (var i = 0u; i < 4u; i++) {
    @if(keysOwn) { block[i] = pair_weights(products[i], changes[i], head, streamed, vec4u(owned[i]), states, is_edge); }
    @if(!keysOwn) {
      let own = States(vec4f(states.maxima[i]), vec4f(states.inverse_sums[i]), vec4f(states.deltas[i]));
      block[i] = pair_weights(products[i], changes[i], head, vec4u(owned[i]), streamed, own, is_edge);
    }
  }
  return block;
}

/// dS by the scaled similarity: what the soft cap lets through.
fn through_cap(block: mat4x4f, products: mat4x4f) -> mat4x4f {
  return mat4x4f(
    block[0] * cap_slope(scaled(products[0])),
    block[1] * cap_slope(scaled(products[1])),
    block[2] * cap_slope(scaled(products[2])),
    block[3] * cap_slope(scaled(products[3])),
  );
}

@if(biasGradient)
fn store_bias_gradient(head: u32, owned: vec4u, streamed: vec4u, block: mat4x4f) {
  for (var i = 0u; i < 4u; i++) {
    for (var j = 0u; j < 4u; j++) {
      if (owned[i] < params.end_owner && streamed[j] < params.end_key) {
        bias_gradient[(head * params.end_query + owned[i]) * params.split_keys + streamed[j]] = block[i][j];
      }
    }
  }
}

/// The rows that weights are multiplied with: keys for dQ, queries for dK, the output's gradient for dV.
fn mixed_block(head: u32, at: vec4u, chunk: u32) -> mat4x4f {
  @if(!keysOwn) { return key_block(key_rows(head, at), min(chunk, (params.dimension - 1u) / 4u)); }
  @if(keysOwn && !weightsOnly) { return query_block(query_rows(head, at), min(chunk, (params.dimension - 1u) / 4u)); }
  @if(weightsOnly) { return output_block(output_rows(head, at), chunk); }
}

fn target_dimension() -> u32 {
  @if(weightsOnly) { return params.value_dimension; }
  @if(!weightsOnly) { return params.dimension; }
}

fn store_block(rows: vec4u, stored: vec4<bool>, chunk: u32, block: mat4x4f) {
  let is_first = params.is_first_round != 0u;
  let factor = select(1f, params.scale, params.is_last_round != 0u);
  for (var i = 0u; i < 4u; i++) {
    for (var j = 0u; j < 4u; j++) {
      let column = 4u * chunk + j;
      if (stored[i] && column < target_dimension()) {
        var sum = block[i][j];
        if (!is_first) { sum += target_rows[rows[i] + column]; }
        @if(weightsOnly) target_rows[rows[i] + column] = sum;
        @if(!weightsOnly) target_rows[rows[i] + column] = sum * factor;
      }
    }
  }
}

@compute @workgroup_size(LANES, GROUPS)
fn main(@builtin(workgroup_id) group_id: vec3u, @builtin(local_invocation_id) local: vec3u) {
  let workgroup = group_id + params.origin;
  @if(keysOwn) let owner_head = params.first_head / params.group + workgroup.y;
  @if(keysOwn) let head = owner_head * params.group + params.member;
  @if(!keysOwn) let owner_head = params.first_head + workgroup.y;
  @if(!keysOwn) let head = owner_head;
  let lane = local.x;
  let group = local.y;
  let column = params.first_chunk + group;
  let first = workgroup.x * BLOCK_OWNED;
  let last = min(first + BLOCK_OWNED, params.end_owner) - 1u;
  let owner = vec4u(first + lane) + NEXT * u32(LANES);
  let owned = min(owner, vec4u(last));

  // The streamed rows that any owned row sees, as far as this dispatch goes through them.
  @if(keysOwn) let low = i32(first) - params.offset - params.after;
  @if(keysOwn) let high = i32(last) - params.offset + params.before + 1;
  @if(keysOwn) let streamed_rows = params.end_query;
  @if(!keysOwn) let low = i32(first) + params.offset - params.before;
  @if(!keysOwn) let high = i32(last) + params.offset + params.after + 1;
  @if(!keysOwn) let streamed_rows = max(params.end_key, 1u);
  let start = max(low, i32(params.streamed_start));
  let end = min(high, i32(params.streamed_end));

  var sum0 = mat4x4f();
  @if(columns2) var sum1 = mat4x4f();
  @if(columns4) var sum2 = mat4x4f();
  @if(columns4) var sum3 = mat4x4f();
  let depth = (params.dimension + 3u) / 4u;
  @if(!weightsOnly) let value_depth = (params.value_dimension + 3u) / 4u;
  let has_columns = 4u * column < target_dimension();
  @if(!keysOwn) let states = states_of(head, owned);
  for (var tile = start; tile < end; tile += i32(BLOCK_STREAMED)) {
    let wanted = vec4u(u32(tile) + 4u * group) + NEXT;
    let at = min(wanted, vec4u(streamed_rows - 1u));
    // Past the end there is nothing, or what another dispatch goes through.
    let streamed = select(vec4u(max(params.end_query, params.end_key)), wanted, vec4i(wanted) < vec4i(end));
    var products = mat4x4f();
    var changes = mat4x4f();
    @if(keysOwn) {
      for (var chunk = 0u; chunk < depth; chunk++) {
        let block = query_block(query_rows(head, at), chunk);
        products += similarities(key_block(key_rows(head, owned), chunk), block);
      }
    }
    @if(keysOwn && !weightsOnly) {
      for (var chunk = 0u; chunk < value_depth; chunk++) {
        let block = output_block(output_rows(head, at), chunk);
        changes += similarities(value_block(value_rows(head, owned), chunk), block);
      }
    }
    @if(!keysOwn) {
      for (var chunk = 0u; chunk < depth; chunk++) {
        let block = key_block(key_rows(head, at), chunk);
        products += similarities(query_block(query_rows(head, owned), chunk), block);
      }
      for (var chunk = 0u; chunk < value_depth; chunk++) {
        let block = value_block(value_rows(head, at), chunk);
        changes += similarities(output_block(output_rows(head, owned), chunk), block);
      }
    }
    let end_tile = tile + i32(BLOCK_STREAMED);
    @if(keysOwn) let is_edge = last >= params.end_key || i32(last) > tile + params.offset + params.after
      || i32(first) < end_tile - 1 + params.offset - params.before;
    @if(!keysOwn) let is_edge = end_tile > end || tile < i32(last) + params.offset - params.before
      || end_tile - 1 > i32(first) + params.offset + params.after;
    @if(keysOwn) let states = states_of(head, at);
    var weights = block_weights(products, changes, head, owner, streamed, states, is_edge);
    @if(biasGradient) {
      if (params.first_chunk == 0u) {
        store_bias_gradient(head, owner, streamed, weights);
      }
    }
    @if(softCap && !weightsOnly) {
      weights = through_cap(weights, products);
    }
    workgroupBarrier();
    keep_weights(4u * group, 0u, lane, transpose(weights));
    workgroupBarrier();

    if (has_columns) {
      for (var y = 0u; y < BLOCK_STREAMED; y += 4u) {
        let w = weights_of(y, 0u, lane);
        let rows = min(vec4u(u32(tile) + y) + NEXT, vec4u(streamed_rows - 1u));
        let m0 = mixed_block(head, rows, column);
        sum0 += m0 * w;
        @if(columns2) {
          let m1 = mixed_block(head, rows, column + u32(GROUPS));
          sum1 += m1 * w;
        }
        @if(columns4) {
          let m2 = mixed_block(head, rows, column + 2u * u32(GROUPS));
          sum2 += m2 * w;
          let m3 = mixed_block(head, rows, column + 3u * u32(GROUPS));
          sum3 += m3 * w;
        }
      }
    }
  }

  let rows = owner_head * params.target_head + owned * params.target_row;
  let stored = owner <= vec4u(last);
  store_block(rows, stored, column, sum0);
  @if(columns2) {
    store_block(rows, stored, column + u32(GROUPS), sum1);
  }
  @if(columns4) {
    store_block(rows, stored, column + 2u * u32(GROUPS), sum2);
    store_block(rows, stored, column + 3u * u32(GROUPS), sum3);
  }
}
