"""The main job in about a minute: import, commit, branch, edit, diff, query, publish, export.

python3 tools/demo.py                   on blood cells if they lie beside the checkout, else on
                                        pictures that it draws itself
python3 tools/demo.py --data PATH       on a COCO file or a Pascal VOC folder of yours
python3 tools/demo.py --keep FOLDER     keep the store and all files, to look around in

Every line after a `$` is a command that you could type. Nothing outside of `.venv` and the folder
of the demo is touched.
"""

import argparse
import json
import os
import shlex
import subprocess
import tempfile
from pathlib import Path

from environment import PROJECT, ready_python

__all__ = ["Demo", "choose_data", "main", "tell_story"]

BESIDE = PROJECT.parent / "shared" / "data" / "bccd"
READ = """
import hyperstore

with hyperstore.open(".hyperstore") as store:
    version = store.dataset("demo").version("relabelled")
    print(len(version), "frames, ordered by context, time and id")
    for frame in version.get_iterator(stop=3):
        print(frame.context_id.rpartition("/")[2], [roi.labels[0] for roi in frame.annotations][:4])
"""
REGISTER = """
import hyperstore, json

images = json.load(open("drawn/annotations/instances.json"))["images"]
with hyperstore.open(".hyperstore") as store:
    clips = store.create_dataset("clips").version()
    clips.add_frames(
        hyperstore.SingleFrame(
            source="drawn/images/" + image["file_name"],
            context_id=image["context_id"],
            timestamp=image["timestamp"],
        )
        for image in images
    )
    clips.commit("Register four cameras")
    for frame in clips.get_iterator(context="camera-2", stop=images[0]["timestamp"] + 100):
        print(frame.context_id, frame.timestamp, "ms", frame.source.rpartition("/")[2])
"""


class Demo:
    """Commands run one after the other in one folder, each shown before its output."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.folder = folder
        self._python = python

    def run(self, *words: str, lines: int = 12) -> str:
        """Run `hyperstore` with these words, show the first lines of what it says; return all."""
        return self._show([str(self._python), "-m", "hyperstore", *words], "hyperstore", lines)

    def ask(self, *words: str) -> str:
        """Run `hyperstore` with these words in silence; return what it says."""
        return self._run([str(self._python), "-m", "hyperstore", *words])

    def play(self, code: str) -> None:
        """Run a few lines of Python, after showing them."""
        shown = [f"    {line}".rstrip() for line in code.strip().splitlines()]
        print("$ python3", *shown, "", sep="\n", flush=True)
        self._show([str(self._python), "-c", code], "", 12)

    def _show(self, step: list[str], name: str, lines: int) -> str:
        if name:
            print("$", name, shlex.join(step[3:]), flush=True)
        output = self._run(step)
        said = output.splitlines()
        print(*said[:lines], sep="\n")
        if len(said) > lines:
            print(f"... and {len(said) - lines} lines more")
        print(flush=True)
        return output

    def _run(self, step: list[str]) -> str:
        settings = {
            key: value for key, value in os.environ.items() if not key.startswith("HYPERSTORE_")
        }
        done = subprocess.run(
            step, cwd=self.folder, env=settings, stdout=subprocess.PIPE, text=True, check=False
        )
        if done.returncode:
            print(done.stdout)
            raise SystemExit(f"{shlex.join(step[1:])} ended with {done.returncode}")
        return done.stdout


def choose_data(given: Path | None, folder: Path, python: Path) -> list[str]:
    """Return the words that import the data: what was named, what lies beside, or what is drawn."""
    if given is None and BESIDE.is_dir():
        given = BESIDE
    if given is None:
        drawn = folder / "drawn"
        step = [str(python), str(PROJECT / "tools" / "sample.py"), str(drawn)]
        subprocess.run(step, check=True, stdout=subprocess.DEVNULL)
        count = sum(1 for _ in drawn.rglob("*.png"))
        print(f"No dataset named, so the demo has drawn one: {count} pictures of four cameras.\n")
        names = ("instances", "keypoints", "captions")
        files = [f"drawn/annotations/{name}.json" for name in names]
        return ["coco", *files, "--images", str((drawn / "images").relative_to(folder))]
    given = given.absolute()
    if given.suffix == ".json":
        return ["coco", str(given), "--images", str(given.parent)]
    annotations = sorted(given.rglob("*.json"))
    if (given / "Annotations").is_dir() or not annotations:
        return ["voc", str(given)]
    return ["coco", *map(str, annotations), "--images", str(given)]


def tell_story(demo: Demo, data: list[str]) -> None:
    """Do the main job once."""
    demo.run("init")
    demo.run("import", *data, "--dataset", "demo", "-m", "Import the annotations")
    demo.run("ls", "-n", "5")

    demo.run("switch", "-c", "relabelled")
    frames = json.loads("[" + ",".join(demo_frames(demo)) + "]")
    labels = [label for one in frames for roi in one.get("rois", ()) for label in roi["label"]]
    label = max(set(labels), key=lambda one: (labels.count(one), one))
    demo.run("edit", "--all", "--relabel", f"{label}={label} (checked)")
    frame = next(one for one in frames if any("poly" in roi for roi in one.get("rois", ())))
    roi = next(roi for roi in frame["rois"] if "poly" in roi)
    demo.run("edit", frame["id"], "--roi", roi["id"], "--move", "5,-3", "--confidence", "0.9")
    demo.run("status")
    demo.run("diff", "--stat", lines=5)
    demo.run("diff", frame["id"], lines=16)
    demo.run("commit", "-m", f"Check every {label}, move one box")
    demo.run("log", "--oneline", "--graph", "--stat")
    demo.run("diff", "Current..relabelled", "--name-only", lines=3)

    checked = label.replace("\\", "\\\\").replace('"', '\\"')
    demo.run("query", "--roi", f'label.keyword:"{checked} (checked)"', "-n", "3")
    demo.run("query", f'rois.label:"{checked}" AND rois.confidence:0.9', "--fields", "id")
    demo.run("stats", "-n", "3")

    demo.run("tag", "v1", "-m", "Good enough to train on")
    demo.run("publish")
    demo.run("branch")
    demo.play(READ)
    if "drawn/images" in data:
        demo.play(REGISTER)
    name = Path(data[1]).name if data[0] == "coco" else "instances"
    of = ["--of", name] if data[0] == "coco" else []
    if (pictures := Path(data[1]) / "JPEGImages").is_dir():
        of = ["--images", str(pictures)]
    demo.run("export", "coco", "demo@v1", "exported.json", *of)
    demo.run("fsck", "--full")


def demo_frames(demo: Demo) -> list[str]:
    """Return the wire JSON of the first frames, one a line, without showing it."""
    return demo.ask("ls", "--json", "-n", "20").splitlines()


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description="Do the main job on real data.")
    parser.add_argument("--data", type=Path, metavar="PATH", help="a COCO file or a VOC folder")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="work here, and keep it")
    given = parser.parse_args()
    if given.data is not None and not given.data.exists():
        raise SystemExit(f"{given.data} is not there")
    python = ready_python(dev=False)
    with tempfile.TemporaryDirectory(prefix="hyperstore-demo-") as name:
        folder = Path(name) if given.keep is None else given.keep.absolute()
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / ".hyperstore").exists():
            raise SystemExit(f"{folder} holds a store already; name another folder")
        tell_story(Demo(folder, python), choose_data(given.data, folder, python))
        print("Done." if given.keep is None else f"Done. Look around: cd {folder}")


if __name__ == "__main__":
    main()
