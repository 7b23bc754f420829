// Where an image's sorted list and its state stand when its levels are cut one by one: each level has a slot of its own,
// the first slot's state speaks for the image. With one slot, slots are images. Needs `params`.

import { wgsl } from '../wgsl.js';

export const lists = wgsl`
fn state_at(image: u32) -> u32 { return image * params.slots * STATE_WORDS; }

fn first_of(image: u32) -> u32 { return image * params.slots * params.capacity; }

// A candidate whose box is below the head's least size: it counts in every cut, and is neither kept nor suppresses.
fn is_too_small(area: f32) -> bool { return params.min_size > 0.0 && area < 0.0; }
`;
