# One image for every process of the server and for the agent; docker-compose.yml says which command each one runs.
ARG PYTHON_IMAGE=python:3.12-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
WORKDIR /app
RUN python3 -m venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH
# The packages come before the code: a change of the code does not install them again.
COPY pyproject.toml constraints.txt README.md ./
COPY agent agent
RUN pip install --no-cache-dir --disable-pip-version-check --constraint constraints.txt ./agent ".[aws,gcp,azure,swift]"
# What machines that become workers need beside the agent's own code.
RUN python agent/build.py fetch /tmp/agent-bundle
COPY . .
RUN python agent/build.py pack /tmp/agent-bundle /app/agent-build
# Hashed and compressed here, so that containers start at once. The values are placeholders: nothing is connected to.
RUN SECRET_KEY=only-for-collecting-static-files-in-a-build DATABASE_URL=postgres://none@127.0.0.1/none \
    REDIS_URL=redis://127.0.0.1/0 STATIC_ROOT=/app/staticfiles python manage.py collectstatic --noinput --verbosity 0

FROM ${PYTHON_IMAGE}
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends git git-lfs openssh-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /home/platform platform \
    && mkdir /data && chown platform /data
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DJANGO_SETTINGS_MODULE=valohai_app.settings \
    DATA_DIR=/data \
    STATIC_ROOT=/app/staticfiles \
    AGENT_DIR=/app/agent-build
USER platform
VOLUME /data
EXPOSE 8000
CMD ["uvicorn", "valohai_app.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--loop", "uvloop", "--http", "httptools", "--lifespan", "off", "--ws-ping-interval", "20", "--ws-ping-timeout", "20", "--ws-per-message-deflate", "false", "--proxy-headers", "--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3"]
