# The bot in a container, without the sandbox's requirements. compose.yaml runs it with a read-only root file system.
# By hand:
#   docker build -t invoice-bot .
#   docker run --env-file .env --volume invoice-bot:/data --read-only --tmpfs /tmp --init --stop-timeout 30 invoice-bot
#   docker run --rm --env-file .env --volume invoice-bot:/data invoice-bot doctor
FROM python:3.13.14-slim-trixie@sha256:6771159cd4fa5d9bba1258caf0b82e6b73458c694d178ad97c5e925c2d0e1a91 AS build
COPY requirements/run.txt /build/run.txt
COPY scripts/slim.sh /build/slim.sh
RUN python -m venv /venv \
 && /venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes --requirement /build/run.txt \
 && sh /build/slim.sh /venv
COPY bot /app/bot
RUN /venv/bin/python -m compileall -q /app/bot

FROM python:3.13.14-slim-trixie@sha256:6771159cd4fa5d9bba1258caf0b82e6b73458c694d178ad97c5e925c2d0e1a91
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin bot \
 && install --directory --owner=bot --group=bot --mode=700 /data
COPY --from=build /venv /venv
COPY --from=build /app /app
# Only the container itself asks for health. WEB_LISTEN=0.0.0.0:8080 opens health, metrics and the webhook to others.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DATA_DIR=/data \
    WEB_LISTEN=127.0.0.1:8080
WORKDIR /app
USER 10001
VOLUME /data
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=60s --timeout=10s --start-period=60s --retries=3 CMD ["python", "-m", "bot", "health"]
# In exec form, so that SIGTERM reaches the bot. It waits for the processes that it starts itself.
ENTRYPOINT ["python", "-m", "bot"]
CMD ["run"]
