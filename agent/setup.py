"""For pip on CPython 3.6, whose newest setuptools does not read the [project] table of pyproject.toml."""

from setuptools import find_packages, setup

setup(
    name="peon-agent",
    version="0.1.0",
    packages=find_packages(include=["peon*"]),
    python_requires=">=3.6",
    install_requires=["redis>=4.3,<9"],
    entry_points={"console_scripts": ["peon=peon.main:main"]},
)
