# One image that builds, trains, scores, and serves the API and the dashboard: integrations/docker/README.md.

FROM python:3.11.13-slim-bookworm AS python

FROM python AS packages
WORKDIR /clientele
# What names the packages, and no more: an edited model installs nothing anew.
COPY pyproject.toml README.md ./
RUN python -m venv .venv \
    && mkdir clientele \
    && .venv/bin/pip install --no-cache-dir --editable ".[api,dashboard]"

FROM python
# No home and no login; the code belongs to root, and only /data can be written.
RUN useradd --uid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin clientele \
    && install --directory --owner clientele --group clientele /data
WORKDIR /clientele
COPY --from=packages /clientele/.venv .venv
COPY . .
ENV PATH=/clientele/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    CLIENTELE_DUCKDB=/data/clientele.duckdb \
    DBT_TARGET_PATH=/data/target \
    DBT_LOG_PATH=/data/logs
USER 10001
VOLUME /data
EXPOSE 8000 8501
ENTRYPOINT ["integrations/docker/entrypoint"]
CMD ["build"]
