# The program in a container: README, "In a container". compose.yaml builds and runs it.
FROM python:3.11-slim-bookworm AS packages

# Where pip finds PyTorch. The CPU build is a tenth in size; for an NVIDIA GPU: --build-arg TORCH_INDEX=https://pypi.org/simple
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu

WORKDIR /build
COPY requirements.txt requirements-alone.txt ./
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --only-binary :all: --index-url "$TORCH_INDEX" \
        "$(sed -n 's/^\(torch==[0-9.]*\).*/\1/p' requirements.txt)" \
    && /venv/bin/pip install --no-cache-dir --only-binary :all: -r requirements.txt \
    && /venv/bin/pip install --no-cache-dir --only-binary :all: --no-deps -r requirements-alone.txt


FROM python:3.11-slim-bookworm

# OpenCV draws on nothing here, and yet loads these.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgl1 libglib2.0-0 \
    && rm -rf /var/lib/apt/lists/*

COPY --from=packages /venv /venv
WORKDIR /program
COPY app app
COPY pipeline pipeline
COPY configs configs
COPY scripts/container.sh scripts/container.sh
RUN python -m compileall -q app pipeline

# Any user may be chosen at the start, so that videos belong to whoever started it: the folders are open to all.
RUN useradd --uid 1000 --create-home person \
    && mkdir -m 1777 /models /outputs /logs /secrets
USER 1000

ENV PATH=/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    HOME=/tmp \
    HF_HOME=/models/huggingface

EXPOSE 7860
VOLUME ["/models", "/outputs", "/logs", "/secrets"]
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import socket; socket.create_connection(('127.0.0.1', 7860), 3).close()"]
ENTRYPOINT ["bash", "scripts/container.sh"]
