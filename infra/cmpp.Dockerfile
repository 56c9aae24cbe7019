# The worker that speaks CMPP, for ECS Fargate:
#
#   docker build --platform linux/arm64 -f infra/cmpp.Dockerfile -t <account>.dkr.ecr.<region>.amazonaws.com/openums-cmpp:1 .
#
# Push it and name it in the parameter CmppImage (docs/how-to/cmpp.md). What it needs to know comes from the task's environment.

FROM python:3.13-slim
WORKDIR /openums
COPY requirements-package.txt ./
RUN sed '/^chalice==/,/# via/d' requirements-package.txt > needed.txt \
    && pip install --no-cache-dir --root-user-action ignore --require-hashes -r needed.txt
COPY chalicelib chalicelib
RUN python -m compileall -q chalicelib && useradd --system openums
USER openums
ENV PYTHONUNBUFFERED=1
CMD ["python", "-m", "chalicelib.entrypoints.workers.cmpp"]
