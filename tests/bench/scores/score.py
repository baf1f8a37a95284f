"""Scores of recordings, for `cargo xtask bench audio`: one JSON object a line in, one a line out.

    {"id": …, "kind": "speech", "reference": WAV, "heard": WAV, "window_s": 8, "windows": 3}
        both begin in the same moment; what is heard may come up to a second later
    {"id": …, "kind": "echo", "talk": "st" | "dt", "far": WAV, "microphone": WAV, "sent": WAV}
    {"id": …, "kind": "noise", "heard": WAV}

All files are mono, 16 bit. A score whose package is missing, and one that cannot be told, is null, with the reason in
"problem". The first line out says which packages there are.
"""

import json
import sys
import wave

import numpy
from scipy.signal import resample_poly

RATE = 16_000
# Below this nothing is said: -50 dBFS.
SILENT = 0.003
# What is heard may come so much later, seconds.
LATEST = 1.0


def optional(name):
    """A package that may be missing: (module, why not)."""
    try:
        return __import__(name, fromlist=["run"]), None
    except Exception as error:  # whatever a package does when it is loaded, the others are still worth having
        return None, f"{name}: {error}"


PESQ, NO_PESQ = optional("pesq")
PLCMOS, NO_PLCMOS = optional("speechmos.plcmos")
AECMOS, NO_AECMOS = optional("speechmos.aecmos")
DNSMOS, NO_DNSMOS = optional("speechmos.dnsmos")


def load(path):
    """The samples at 16 kHz, full scale 1."""
    with wave.open(path, "rb") as file:
        if file.getnchannels() != 1 or file.getsampwidth() != 2:
            raise ValueError(f"{path} is not mono of 16 bit")
        samples = numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2") / 32768.0
        rate = file.getframerate()
    samples = resample_poly(samples, RATE, rate) if rate != RATE else samples
    # Between two samples a filter may go beyond full scale; the models refuse that.
    return numpy.clip(samples, -1.0, 1.0).astype(numpy.float32)


def later(reference, heard):
    """How many samples `heard` is behind, by the strongest correlation."""
    size = 1 << (len(reference) + len(heard)).bit_length()
    spectrum = numpy.fft.rfft(heard, size) * numpy.conj(numpy.fft.rfft(reference, size))
    shared = numpy.fft.irfft(spectrum, size)[: int(LATEST * RATE)]
    return int(numpy.argmax(shared))


def windows(reference, length, count):
    """Where windows begin: spread evenly over what is said."""
    said = numpy.flatnonzero(numpy.abs(reference) > SILENT)
    if len(said) == 0 or said[-1] - said[0] < length:
        raise ValueError("less is said than a window is long")
    last = max(said[-1] - length, said[0])
    return [int(at) for at in numpy.linspace(said[0], last, count)]


def score(why, problems, package, work):
    if package is None:
        problems.add(why)
        return None
    try:
        return float(work())
    except Exception as error:  # silence where speech was, for example
        problems.add(f"{type(error).__name__}: {error}")
        return None


def plcmos(samples):
    # It asks fifteen listeners, which it draws at random: the same ones for every recording.
    numpy.random.seed(1)
    return PLCMOS.run(samples, sr=RATE)["plcmos"]


def speech(job):
    reference, heard = load(job["reference"]), load(job["heard"])
    length = int(job["window_s"] * RATE)
    problems, told = set(), []
    for start in windows(reference, length, job["windows"]):
        said = reference[start : start + length]
        lag = later(said, heard[start : start + length + int(LATEST * RATE)])
        got = heard[start + lag : start + lag + length]
        got = numpy.pad(got, (0, length - len(got)))
        told.append(
            {
                "from_s": start / RATE,
                "later_ms": 1000.0 * lag / RATE,
                "pesq": score(NO_PESQ, problems, PESQ, lambda: PESQ.pesq(RATE, said, got, "wb")),
                "plcmos": score(NO_PLCMOS, problems, PLCMOS, lambda: plcmos(got)),
                "plcmos_said": score(NO_PLCMOS, problems, PLCMOS, lambda: plcmos(said)),
            }
        )
    return {"windows": told}, problems


def echo(job):
    problems = set()
    sample = {"lpb": load(job["far"]), "mic": load(job["microphone"]), "enh": load(job["sent"])}
    length = min(len(one) for one in sample.values())
    sample = {name: one[:length] for name, one in sample.items()}
    found = {}

    def run():
        found.update(AECMOS.run(sample, sr=RATE, talk_type=job["talk"]))
        return found["echo_mos"]

    echo_mos = score(NO_AECMOS, problems, AECMOS, run)
    other = float(found["deg_mos"]) if "deg_mos" in found else None
    return {"echo": echo_mos, "other": other}, problems


def noise(job):
    problems, found = set(), {}

    def run():
        found.update(DNSMOS.run(load(job["heard"]), sr=RATE))
        return found["ovrl_mos"]

    overall = score(NO_DNSMOS, problems, DNSMOS, run)
    parts = {name: float(found[f"{name}_mos"]) for name in ("sig", "bak") if f"{name}_mos" in found}
    return {"overall": overall, **parts}, problems


KINDS = {"speech": speech, "echo": echo, "noise": noise}


def main():
    missing = [why for why in (NO_PESQ, NO_PLCMOS, NO_AECMOS, NO_DNSMOS) if why]
    print(json.dumps({"ready": True, "missing": missing}), flush=True)
    for line in sys.stdin:
        job = json.loads(line)
        try:
            told, problems = KINDS[job["kind"]](job)
        except Exception as error:  # one broken recording must not keep the others from being scored
            told, problems = {}, {f"{type(error).__name__}: {error}"}
        print(json.dumps({"id": job["id"], **told, "problem": "; ".join(sorted(problems)) or None}), flush=True)


if __name__ == "__main__":
    main()
