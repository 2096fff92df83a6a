# One process, not root. The service answers on loopback alone until keys exist, so the container shares the
# host's network; compose.yaml does the same: docker run --network host -v smart-spawn:/data smart-spawn

FROM python:3.13-slim-bookworm AS build
WORKDIR /app
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
RUN pip install --no-cache-dir uv==0.13.9
# the dependencies alone first: they change less often than the code
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-dev --no-install-project
COPY README.md LICENSE ./
COPY src ./src
RUN uv sync --frozen --no-dev --no-editable

FROM python:3.13-slim-bookworm
RUN useradd --uid 10001 --no-create-home --home-dir /data smart-spawn \
    && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /app/.venv /app/.venv
ENV PATH="/app/.venv/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 SMART_SPAWN_HOME=/data
# a smart-spawn.toml mounted here is read
WORKDIR /app
USER 10001:10001
VOLUME /data
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s CMD ["smart-spawn", "health"]
CMD ["smart-spawn", "serve"]
