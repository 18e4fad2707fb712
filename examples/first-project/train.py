"""Train a logistic regression by stochastic gradient descent, in plain Python, and report every epoch.

Each JSON object printed on a line of its own becomes metadata: the Metadata tab draws it while the job runs.
Whatever is in the outputs folder at the end becomes a file of the execution.
"""

import argparse
import csv
import json
import math
import os
import random
from pathlib import Path

TARGET = "failed"


def main():
    options = parse_arguments()
    path = find_dataset()
    print(f"reading {path}")
    features, rows = read_rows(path)
    random.Random(options.seed).shuffle(rows)
    kept = len(rows) // 4
    validation, training = rows[:kept], rows[kept:]
    scale = fit_scale(training)
    training, validation = apply_scale(training, scale), apply_scale(validation, scale)
    print(f"{len(training)} rows to train on, {len(validation)} to validate, features: {', '.join(features)}")

    weights = [0.0] * (len(features) + 1)
    for epoch in range(1, options.epochs + 1):
        train_epoch(weights, training, options.learning_rate)
        report(epoch, weights, training, validation)

    outputs = Path(os.environ.get("VH_OUTPUTS_DIR", "."))
    save_model(outputs / "model.json", features, scale, weights)
    save_predictions(outputs / "predictions.csv", validation, weights)


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--learning_rate", type=float, default=0.002)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def find_dataset():
    """The input's file in an execution, the one in the repository elsewhere."""
    folder = Path(os.environ.get("VH_INPUTS_DIR", "/valohai/inputs")) / "dataset"
    found = sorted(folder.glob("*.csv")) if folder.is_dir() else []
    return found[0] if found else Path(__file__).with_name("data") / "bearings.csv"


def read_rows(path):
    with open(path, newline="") as file:
        records = list(csv.DictReader(file))
    features = [name for name in records[0] if name != TARGET]
    return features, [([float(record[name]) for name in features], int(record[TARGET])) for record in records]


def fit_scale(rows):
    """Mean and deviation of each feature: descent needs features of one size."""
    columns = list(zip(*(values for values, _ in rows)))
    means = [sum(column) / len(column) for column in columns]
    deviations = [
        math.sqrt(sum((value - mean) ** 2 for value in column) / len(column)) or 1.0
        for column, mean in zip(columns, means)
    ]
    return means, deviations


def apply_scale(rows, scale):
    return [
        ([1.0] + [(value - mean) / deviation for value, mean, deviation in zip(values, *scale)], label)
        for values, label in rows
    ]


def probability(weights, values):
    score = sum(weight * value for weight, value in zip(weights, values))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, score))))


def train_epoch(weights, rows, learning_rate):
    for values, label in rows:
        error = probability(weights, values) - label
        for index, value in enumerate(values):
            weights[index] -= learning_rate * error * value


def report(epoch, weights, training, validation):
    print(
        json.dumps(
            {
                "epoch": epoch,
                "training_loss": round(loss(weights, training), 5),
                "validation_loss": round(loss(weights, validation), 5),
                "validation_accuracy": round(accuracy(weights, validation), 4),
            }
        ),
        flush=True,
    )


def loss(weights, rows):
    likelihoods = [
        probability(weights, values) if label else 1 - probability(weights, values) for values, label in rows
    ]
    return -sum(math.log(max(likelihood, 1e-12)) for likelihood in likelihoods) / len(rows)


def accuracy(weights, rows):
    return sum((probability(weights, values) > 0.5) == bool(label) for values, label in rows) / len(rows)


def save_model(path, features, scale, weights):
    means, deviations = scale
    model = {
        "kind": "logistic regression",
        "target": TARGET,
        "bias": weights[0],
        "features": [
            {"name": name, "mean": mean, "deviation": deviation, "weight": weight}
            for name, mean, deviation, weight in zip(features, means, deviations, weights[1:])
        ],
    }
    path.write_text(json.dumps(model, indent=2) + "\n")


def save_predictions(path, rows, weights):
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["label", "probability", "correct"])
        for values, label in rows:
            chance = probability(weights, values)
            writer.writerow([label, round(chance, 4), int((chance > 0.5) == bool(label))])


if __name__ == "__main__":
    main()
