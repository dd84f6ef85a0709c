# One image for each part of Upthread: docker build --target ui|post|comment|account|monolith|dev .
# They share all layers, so five of them take hardly more room than one.

ARG PYTHON_IMAGE=python:3.13-slim-trixie
ARG HARDENED_IMAGE=gcr.io/distroless/python3-debian13:nonroot
# What the images stand on: slim, or hardened, where there is no shell and no package manager.
ARG VARIANT=slim


# What Upthread needs, in a virtual environment. Nothing here runs again until requirements/run.txt changes.
FROM ${PYTHON_IMAGE} AS dependencies
# Any strip will do, so which one is left to Debian.
# hadolint ignore=DL3008
RUN apt-get update -qq \
    && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends binutils > /dev/null \
    && rm -rf /var/lib/apt/lists/*
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=bind,source=requirements/run.txt,target=/tmp/run.txt \
    python -m venv --without-pip /opt/upthread \
    && pip --python /opt/upthread/bin/python install --quiet --require-hashes --only-binary :all: -r /tmp/run.txt
# Half of that is of no use here: symbols for debuggers, sources of compiled modules, and the months and plurals of a
# thousand locales. Those of the site's languages stay.
WORKDIR /opt/upthread/lib/python3.13/site-packages
RUN find . -name '*.so*' -exec strip --strip-unneeded {} + \
    && find . '(' -name '*.c' -o -name '*.h' -o -name '*.pxd' -o -name '*.pyi' -o -name '*.pyx' ')' -delete \
    && find babel/locale-data -name '*.dat' ! -name root.dat ! -name en.dat ! -name ru.dat -delete
# For the hardened base: the names that the environment knows Python by, and a folder for data.
RUN mkdir -p /links /data && ln -s /usr/bin/python3 /links/python && ln -s /usr/bin/python3 /links/python3


# Upthread itself, installed under a root of its own: a change of the code makes one small layer new.
FROM dependencies AS application
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=bind,source=requirements/build.txt,target=/tmp/build.txt \
    python -m venv /opt/build && /opt/build/bin/pip install --quiet --require-hashes -r /tmp/build.txt
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN /opt/build/bin/pip wheel --quiet --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
    && pip --python /opt/upthread/bin/python install --quiet --no-cache-dir --no-deps --root /root-of-it /wheels/*.whl
COPY deploy/healthcheck.py /root-of-it/opt/upthread/bin/healthcheck.py


# The slim base without what only installs things: pip, apt and the Perl that Debian's packages are set up by.
FROM ${PYTHON_IMAGE} AS stripped
RUN rm -r "$(python -c 'import pip; print(*pip.__path__)')" "$(python -c 'import ensurepip; print(*ensurepip.__path__)')" \
    && rm -rf /usr/share/python-wheels /usr/local/bin/pip* /usr/bin/pip* \
    && dpkg --purge --force-all apt libapt-pkg7.0 sqv perl-base 2> /dev/null

# A layer can't be made smaller, so a new one is made: 30 MB less.
FROM scratch AS slim
# hadolint ignore=DL3067
COPY --from=stripped / /

FROM ${HARDENED_IMAGE} AS hardened
COPY --from=dependencies /links /usr/local/bin


# hadolint ignore=DL3006
FROM ${VARIANT} AS upthread
COPY --link --from=dependencies /opt/upthread /opt/upthread
COPY --link --from=dependencies --chown=10001:10001 /data /data
COPY --link --from=application /root-of-it /
ENV PATH=/opt/upthread/bin:/usr/local/bin:/usr/bin:/bin \
    LANG=C.UTF-8 \
    PYTHONUNBUFFERED=1 \
    UPTHREAD_DATA=/data \
    UPTHREAD_HOST=0.0.0.0 \
    UPTHREAD_LOG_FORMAT=json
WORKDIR /data
USER 10001:10001
ENTRYPOINT ["upthread"]
ARG VERSION=""
ARG COMMIT=""
ENV UPTHREAD_VERSION=${VERSION} \
    UPTHREAD_COMMIT=${COMMIT}
LABEL org.opencontainers.image.title="Upthread" \
    org.opencontainers.image.description="A self-hosted link-sharing and discussion site" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${COMMIT}"


# With the code mounted at /src: what is given to it as a command is started again whenever that code changes.
FROM dependencies AS dev
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=bind,source=requirements/reload.txt,target=/tmp/reload.txt \
    pip --python /opt/upthread/bin/python install --quiet --require-hashes --only-binary :all: -r /tmp/reload.txt
ENV PATH=/opt/upthread/bin:$PATH \
    PYTHONPATH=/src \
    PYTHONDONTWRITEBYTECODE=1 \
    UPTHREAD_DATA=/data \
    UPTHREAD_HOST=0.0.0.0 \
    UPTHREAD_LOG_FORMAT=console
COPY deploy/healthcheck.py /opt/upthread/bin/healthcheck.py
RUN chown 10001:10001 /data
WORKDIR /data
USER 10001:10001
ENTRYPOINT ["watchfiles", "--target-type", "command"]
CMD ["python -m upthread serve", "/src"]
EXPOSE 9292
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=0.5s \
    CMD ["python", "-IS", "/opt/upthread/bin/healthcheck.py", "UPTHREAD_PORT", "9292"]


FROM upthread AS post
ENV POST_DATABASE_HOST=post_db
EXPOSE 5000
CMD ["post"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=0.5s \
    CMD ["python", "-IS", "/opt/upthread/bin/healthcheck.py", "POST_SERVICE_PORT", "5000"]

FROM upthread AS comment
ENV COMMENT_DATABASE_HOST=comment_db
EXPOSE 9292
CMD ["comment"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=0.5s \
    CMD ["python", "-IS", "/opt/upthread/bin/healthcheck.py", "COMMENT_SERVICE_PORT", "9292"]

FROM upthread AS account
ENV ACCOUNT_DATABASE_HOST=account_db
EXPOSE 9293
CMD ["account"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=0.5s \
    CMD ["python", "-IS", "/opt/upthread/bin/healthcheck.py", "ACCOUNT_SERVICE_PORT", "9293"]

# The whole site on SQLite files in /data.
FROM upthread AS monolith
VOLUME /data
EXPOSE 9292
CMD ["serve"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=0.5s \
    CMD ["python", "-IS", "/opt/upthread/bin/healthcheck.py", "UPTHREAD_PORT", "9292"]

FROM upthread AS ui
EXPOSE 9292
CMD ["ui"]
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --start-interval=0.5s \
    CMD ["python", "-IS", "/opt/upthread/bin/healthcheck.py", "UPTHREAD_PORT", "9292"]
