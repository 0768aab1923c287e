"""Packages: infogan_tf (learn), infogan_export (export), infogan_serving (serve)."""

from setuptools import find_packages, setup


def room(package: str, folder: str) -> list[str]:
    """`folder` and its sub-packages under the importable name `package`."""
    return [package] + [f"{package}.{name}" for name in find_packages(folder)]


SERVING = ["anyio>=4.4", "h11>=0.14", "httpx>=0.27", "python-rapidjson>=1.20", "starlette>=0.40", "uvicorn>=0.30"]
GRPC = ["grpcio>=1.60", "protobuf>=5.28"]
DEMO = ["mlxtend>=0.23", *SERVING]

setup(
    name="infogan-tf",
    version="0.1.0",
    description="InfoGAN for Keras: train on unlabelled images, export, serve with TF Serving",
    long_description=open("README.md", encoding="utf-8").read(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.10,<3.14",
    packages=room("infogan_tf", "infogan_tf") + room("infogan_export", "export") + room("infogan_serving", "serving"),
    package_data={"infogan_tf.page": ["templates/*.html"]},
    package_dir={"infogan_export": "export", "infogan_serving": "serving"},
    install_requires=[
        "absl-py>=2.0",
        "importlib_resources",  # imported by tensorflow-datasets, not declared by it
        "jinja2>=3.1",
        "keras>=3.12",
        "matplotlib>=3.8",
        "numpy>=1.26",
        "pillow>=10.1",
        "scikit-learn>=1.4",
        "scipy>=1.11",
        "setuptools",  # imported by tensorflow-probability on Python >= 3.12
        "tensorboard",
        "tensorflow>=2.20",
        "tensorflow-datasets>=4.9.6",
        "tensorflow-probability>=0.25",
        "tensorflow-serving-api>=2.19",  # the protos of warm-up requests
        "tf-keras",
        "tqdm>=4.60",
    ],
    extras_require={
        "serving": SERVING,
        "grpc": GRPC,
        "gpu": ["tensorflow[and-cuda]"],
        "demo": DEMO,
        "test": [
            *DEMO,
            *GRPC,
            "check-jsonschema>=0.29",  # carries the schemas of compose files and GitHub workflows
            "kubernetes-validate>=1.30",  # carries those of Kubernetes
            "pytest>=8",
            "pytest-xdist>=3.5",
            "pyyaml>=6",
            "ruff>=0.6",
        ],
    },
    entry_points={
        "console_scripts": [
            "infogan-train = infogan_tf.cli.train:main",
            "infogan-evaluate = infogan_tf.cli.evaluate:main",
            "infogan-benchmark = infogan_tf.cli.benchmark:main",
            "infogan-select = infogan_tf.cli.select:main",
            "infogan-disentangle = infogan_tf.cli.disentangle:main",
            "infogan-report = infogan_tf.cli.report:main",
            "infogan-traverse = infogan_tf.cli.traverse:main",
            "infogan-export = infogan_export.cli:main",
            "infogan-serve = infogan_serving.cli:main",
            "infogan-query = infogan_serving.query:main",
        ]
    },
)
