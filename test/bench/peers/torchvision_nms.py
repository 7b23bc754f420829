# torchvision's nms and batched_nms on the boxes of the bench, timed with CUDA events where there is CUDA, else by the clock on the CPU.
# Argument: a folder with cases.json ([{"n", "iouThreshold", "classes"}]) and for each case i the files i-boxes.f32, i-scores.f32 and,
# with classes, i-classes.u32. Prints one line of JSON: device, versions, and for each case indices and milliseconds.

import json
import statistics
import sys
import time
from pathlib import Path

import torch
import torchvision

WARM_UP = 5
ROUNDS = 50
BUDGET = 3.0  # seconds of a case, but at least LEAST rounds
LEAST = 3


def load(folder, name, dtype):
    return torch.frombuffer(bytearray((folder / name).read_bytes()), dtype=dtype)


def timer(device):
    """A function that gives the milliseconds of a call on this device."""
    if device.type != "cuda":

        def clock(call):
            begun = time.perf_counter()
            call()
            return (time.perf_counter() - begun) * 1000

        return clock

    def events(call):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        call()
        end.record()
        torch.cuda.synchronize()
        return start.elapsed_time(end)

    return events


def run(folder, index, case, device):
    boxes = load(folder, f"{index}-boxes.f32", torch.float32).reshape(-1, 4).to(device)
    scores = load(folder, f"{index}-scores.f32", torch.float32).to(device)
    threshold = case["iouThreshold"]
    if case["classes"]:
        classes = load(folder, f"{index}-classes.u32", torch.int32).to(torch.int64).to(device)
        call = lambda: torchvision.ops.batched_nms(boxes, scores, classes, threshold)
    else:
        call = lambda: torchvision.ops.nms(boxes, scores, threshold)
    milliseconds = timer(device)
    begun = time.perf_counter()
    indices = call().cpu().tolist()
    for _ in range(WARM_UP):
        if time.perf_counter() - begun < BUDGET:
            call()
    begun = time.perf_counter()
    times = []
    while len(times) < ROUNDS and (len(times) < LEAST or time.perf_counter() - begun < BUDGET):
        times.append(milliseconds(call))
    times.sort()
    quarter = lambda q: times[round(q * (len(times) - 1))]
    return {"indices": indices, "median": statistics.median(times), "low": quarter(0.25), "high": quarter(0.75), "rounds": len(times)}


def main():
    folder = Path(sys.argv[1])
    cuda = torch.cuda.is_available()
    device = torch.device("cuda" if cuda else "cpu")
    name = torch.cuda.get_device_name() if cuda else f"CPU, {torch.get_num_threads()} threads"
    cases = json.loads((folder / "cases.json").read_text())
    with torch.inference_mode():
        results = [run(folder, i, case, device) for i, case in enumerate(cases)]
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__, "cuda": torch.version.cuda if cuda else None}
    print(json.dumps({"device": name, "isCuda": cuda, "versions": versions, "cases": results}))


main()
