// Walks the bins of a histogram. With `mass`: from the smallest entries up, while count times upper edge, which bounds what
// is dropped, stays within the budget. Otherwise: from the largest down, to the bin that holds the entry of the wanted
// rank. The bins are left at zero for the next pass.
import constants::BITS;

struct Params {
  origin: vec3u,
  budget: f32,
}
@group(0) @binding(0) var<uniform> params: Params;
/// The leading bits found so far, and the rank that is still to go among entries that have them.
@group(0) @binding(1) var<storage, read_write> found: array<u32>;
@group(0) @binding(2) var<storage, read_write> bins: array<u32>;
@group(0) @binding(3) var<storage, read_write> threshold: array<f32>;

const COUNT = 1u << u32(BITS);

@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) lane: u32) {
  if (lane == 0u) {
    @if(mass) {
      var dropped = 0f;
      var bin = 0u;
      for (; bin < 2032u; bin++) {
        // One more bin only if the bound on all that is dropped allows it.
        let more = dropped + f32(bins[bin]) * bitcast<f32>((bin + 1u) << 20u);
        if (more > params.budget) {
          break;
        }
        dropped = more;
      }
      threshold[0] = bitcast<f32>(bin << 20u);
    }
    @if(!mass) {
      var remaining = found[1];
      var bin = COUNT - 1u;
      for (; bin > 0u; bin--) {
        if (bins[bin] >= remaining) {
          break;
        }
        remaining -= bins[bin];
      }
      found[0] = (found[0] << u32(BITS)) | bin;
      found[1] = remaining;
      threshold[0] = bitcast<f32>(found[0]);
    }
  }
  storageBarrier();
  for (var bin = lane; bin < COUNT; bin += 64u) {
    bins[bin] = 0u;
  }
}
