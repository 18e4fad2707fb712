"""The project that the journeys run: one honest small training, one job that never ends, one long log."""

VALOHAI_YAML = """\
- step:
    name: train
    image: python:3.12-slim
    command: python train.py {parameters}
    parameters:
      - name: epochs
        type: integer
        default: 3
        description: how often to go through the data
      - name: learning_rate
        type: float
        default: 0.05
      - name: go_on
        type: string
        default: ""
        description: a file to wait for before the last epoch
- step:
    name: wait
    image: python:3.12-slim
    command: python wait.py
- step:
    name: chatter
    image: python:3.12-slim
    command: python chatter.py
- step:
    name: broken
    image: python:3.12-slim
    command: no-such-program
"""

TRAIN_PY = """\
import argparse, json, math, os, sys, time

parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--learning_rate", type=float)
parser.add_argument("--go_on", default="")
options = parser.parse_args()
print("\\x1b[36mtraining\\x1b[0m with learning rate", options.learning_rate, flush=True)
print("no accelerator found, using the processor", file=sys.stderr, flush=True)
for epoch in range(1, options.epochs + 1):
    if epoch == options.epochs and options.go_on:
        while not os.path.exists(options.go_on):
            time.sleep(0.05)
    loss = 0.62 * math.exp(-options.learning_rate * epoch) + 0.03 * abs(math.sin(epoch))
    print("epoch %d of %d" % (epoch, options.epochs), flush=True)
    print(json.dumps({"epoch": epoch, "loss": round(loss, 4), "accuracy": round(1 - loss / 1.3, 4)}), flush=True)
outputs = os.environ["VH_OUTPUTS_DIR"]
with open(os.path.join(outputs, "model.json"), "w") as model:
    json.dump({"kind": "linear", "weights": [0.25, -1.5]}, model)
with open(os.path.join(outputs, "curve.csv"), "w") as curve:
    curve.write("epoch,loss\\n1,0.6\\n2,0.4\\n")
print("saved the model", flush=True)
"""

WAIT_PY = """\
import os, time

with open(os.path.join(os.environ["VH_OUTPUTS_DIR"], "partial.txt"), "w") as partial:
    partial.write("so far")
print("waiting for nothing", flush=True)
time.sleep(600)
"""

CHATTER_PY = """\
import sys

for number in range(100_000):
    sys.stdout.write("number %d of a long log\\n" % number)
"""

CODE = {"valohai.yaml": VALOHAI_YAML, "train.py": TRAIN_PY, "wait.py": WAIT_PY, "chatter.py": CHATTER_PY}
