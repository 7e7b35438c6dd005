"""
`python -m local.package prod`: what CloudFormation deploys, in build/<stage>.

    sources --copied--> build/<stage>/source --chalice package--> sam.json
                                                             `--> deployment.zip --made lighter
"""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from py_compile import PycInvalidationMode

from chalicelib import charity
from chalicelib.errors import MisconfiguredError
from local.cloud import REGION

ROOT = Path(__file__).parents[1]
SHIPPED = ("app.py", "chalicelib", "requirements.txt", "vendor")
STAGES = ("dev", "prod")
# Importing app.py reads the settings. While packaging nothing is called, so any well-formed value does.
STAND_INS = {
    "GIVING_TABLE": "-",
    "SIGNUPS_TABLE": "-",
    "PASSING_TABLE": "-",
    "MONEY_QUEUE": "-",
    "MAIL_QUEUE": "-",
    "DOCUMENTS_BUCKET": "-",
    "STRIPE_API_KEY": "sk_test_packaging",
    "STRIPE_WEBHOOK_SECRET": "whsec_packaging_only",
    "TOKEN_SECRET": "only-for-importing-the-app-while-packaging",
}
# botocore describes every service of AWS; these are the ones that aws.py makes clients of.
SERVICES_CALLED = frozenset({"dynamodb", "s3", "sesv2", "sqs", "ssm"})
LAMBDA_LIMIT_BYTES = 250 * 1024 * 1024


def package(stage: str, build: Path = ROOT / "build") -> Path:
    """Package into a clean `build`/<stage>. The folder with sam.json and deployment.zip."""
    target = build / stage
    shutil.rmtree(target, ignore_errors=True)
    source = target / "source"
    copy_sources(source)
    generate(stage, source, target)
    lighten(target / "deployment.zip", target / "unpacked")
    return target


def copy_sources(source: Path) -> None:
    """Exactly what Lambda gets, and Chalice's own settings beside it: no leftovers of another build."""
    source.mkdir(parents=True)
    unwanted = shutil.ignore_patterns("__pycache__", "*.pyc", "deployments", "deployed")
    for name in SHIPPED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=unwanted)
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, source / name)
    shutil.copytree(ROOT / ".chalice", source / ".chalice", ignore=unwanted)


def generate(stage: str, source: Path, target: Path) -> None:
    """Let Chalice write sam.json and deployment.zip into `target`. Raises CalledProcessError."""
    chalice = Path(sys.executable).with_name("chalice")
    merged = Path(".chalice") / "resources.json"
    subprocess.run(
        [chalice, "package", "--stage", stage, "--merge-template", merged, target.resolve()],
        cwd=source,
        env={"AWS_DEFAULT_REGION": REGION, **os.environ, **STAND_INS},
        check=True,
    )


def lighten(archive: Path, unpacked: Path) -> None:
    """
    Leave out what is never read, and put bytecode in.

    Lambda's folder is read-only, so without bytecode every cold start compiles
    everything anew: a second for boto3 alone. It is never checked against the
    sources' times, which zipping changes.
    """
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(unpacked)
    for service in (unpacked / "botocore" / "data").glob("*/"):
        if service.is_dir() and service.name not in SERVICES_CALLED:
            shutil.rmtree(service)
    unchecked = PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(unpacked, quiet=2, invalidation_mode=unchecked, stripdir=str(unpacked), workers=0)
    size = sum(file.stat().st_size for file in unpacked.rglob("*") if file.is_file())
    if size > LAMBDA_LIMIT_BYTES:
        sys.exit(f"{size:,} bytes unpacked are more than Lambda's {LAMBDA_LIMIT_BYTES:,}.")
    archive.unlink()
    shutil.make_archive(str(archive.with_suffix("")), "zip", unpacked)
    shutil.rmtree(unpacked)


def main() -> None:
    stage = sys.argv[1] if len(sys.argv) == 2 else ""
    if stage not in STAGES:
        sys.exit(f"Say which stage: {' or '.join(STAGES)}.")
    try:
        charity.read(charity.FACTS_FILE, production=stage == "prod")
        target = package(stage)
    except (MisconfiguredError, subprocess.CalledProcessError) as fault:
        sys.exit(f"Not packaged. {fault}")
    size = (target / "deployment.zip").stat().st_size
    print(f"{target.relative_to(ROOT)}: sam.json and deployment.zip ({size / 1e6:.0f} MB)")


if __name__ == "__main__":
    main()
