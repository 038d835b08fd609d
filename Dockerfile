# The bridge as an image: only what it needs to run, owned by root, run by nobody in particular.
#
#   docker build --build-arg VERSION=... --build-arg REVISION=... -t track-bridge .
#
# Releases name the base by digest: --build-arg PYTHON_IMAGE=python:3.14-slim-trixie@sha256:...
# Another package index: --build-arg PIP_INDEX_URL=...; one that needs a password, which a build argument would leave in
# the image's provenance: --secret id=pip.conf,src=/path/to/pip.conf (needs BuildKit, the default of current engines).
ARG PYTHON_IMAGE=python:3.14-slim-trixie

FROM ${PYTHON_IMAGE} AS dependencies
ARG PIP_INDEX_URL
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
# image-otel: with OpenTelemetry.
ARG REQUIREMENTS=image
COPY requirements/image.txt requirements/image-otel.txt requirements/
# The environment holds no pip: what runs cannot install. The second step takes out what nothing here reaches, and what
# is there twice: botocore's descriptions of services other than those that give credentials, and its copy of certifi's
# authorities; all languages that Pygments colours but Python, from its list too, so that a text in another one is shown
# plain; what Cython and type checkers read; dateutil's copy of the time zones. The distributions stay installed, and in
# the bill of materials.
# Bytecode is never checked against its source: the files cannot change, and the process cannot write any. pip is told
# so by an option, since its environment variable for it means the opposite (PIP_NO_COMPILE=1 compiles), and what it
# compiled would be kept. Modules that no start loads have none.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python -m venv --without-pip /opt/track-bridge && \
    python -m pip --python /opt/track-bridge/bin/python install --no-compile --require-hashes -r requirements/${REQUIREMENTS}.txt && \
    find /opt/track-bridge/lib -path '*/botocore/data/*' -prune -type d \
    ! -name sts ! -name sso ! -name sso-oidc ! -name signin -exec rm -rf {} + && \
    find /opt/track-bridge/lib -path '*/pygments/lexers/*.py' \
    ! \( -name __init__.py -o -name _mapping.py -o -name python.py -o -name special.py \) -delete && \
    sed -i "/': ('pygments/{/'pygments.lexers.\(python\|special\)'/!d}" /opt/track-bridge/lib/python3*/site-packages/pygments/lexers/_mapping.py && \
    find /opt/track-bridge/lib -type f \
    \( -name '*.py[xi]' -o -name '*.px[di]' -o -path '*/botocore/cacert.pem' -o -name dateutil-zoneinfo.tar.gz \) -delete && \
    python -m compileall -q -j 0 -x '/(pygments|pydantic/v1)/' --invalidation-mode unchecked-hash /opt/track-bridge/lib
# Debug information is most of what some wheels weigh: 14 of uvloop's 16 MB.
COPY scripts/strip_libraries.py scripts/
RUN /opt/track-bridge/bin/python scripts/strip_libraries.py /opt/track-bridge/lib

FROM dependencies AS program
COPY requirements/build.txt requirements/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python -m venv /opt/build && \
    /opt/build/bin/pip install --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY schemas schemas
COPY bridge bridge
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /wheels . && \
    python -m pip --python /opt/track-bridge/bin/python install --no-compile --no-deps --no-index --root /program /wheels/*.whl && \
    python -m compileall -q -j 0 --invalidation-mode unchecked-hash -s /program -p / /program

# The bill of materials is made from the very environment that ships, by a tool that does not: `make image` writes it to
# dist/ with `--target sbom --output`. An ordinary build leaves both stages out.
FROM dependencies AS materials
COPY requirements/sbom.txt requirements/
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python -m venv /opt/sbom && \
    /opt/sbom/bin/pip install --require-hashes -r requirements/sbom.txt
COPY --from=program /program/opt/track-bridge /opt/track-bridge
RUN /opt/sbom/bin/cyclonedx-py environment --output-reproducible --output-format JSON \
    --output-file /track-bridge.cdx.json /opt/track-bridge/bin/python

FROM scratch AS sbom
COPY --from=materials /track-bridge.cdx.json /

# The same base and the same path: an environment holds links to the interpreter it was made with.
FROM ${PYTHON_IMAGE}
# The base brings pip, and the means to bring it back.
RUN find / -xdev \( -path '*-packages/pip' -o -path '*-packages/pip-*.dist-info' -o -path '*/python3*/ensurepip' -o -path '*/bin/pip*' \) \
    -prune -exec rm -rf {} +
# The dependencies change seldom and weigh most: a new version of the program is a small layer on top of theirs.
COPY --from=dependencies /opt/track-bridge /opt/track-bridge
COPY --from=program /program/opt/track-bridge /opt/track-bridge
ENV PATH=/opt/track-bridge/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    PYTHONFAULTHANDLER=1 \
    PYTHONDONTWRITEBYTECODE=1
# ./bridge.yaml, the first place the program looks for its configuration. Made before the user is set, whose it would be.
WORKDIR /etc/track-bridge
# A number, so that runAsNonRoot can be checked without the image's own list of users.
USER 10001:10001
EXPOSE 9464
STOPSIGNAL SIGTERM
# Starts an interpreter and nothing of the program. It asks the default port: with another `observability.listen`
# give `docker run --health-cmd ...`. Kubernetes has probes of its own and ignores this.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-I", "-S", "-c", "import socket; s = socket.create_connection(('127.0.0.1', 9464), 3); s.sendall(b'GET /livez HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n'); raise SystemExit(not s.recv(64).startswith(b'HTTP/1.1 200 '))"]
ENTRYPOINT ["track-bridge"]
CMD ["run"]
# Last, because they change with every commit.
ARG PYTHON_IMAGE
ARG VERSION=unknown
ARG REVISION=unknown
# Shown in track_bridge_build_info.
ENV TRACK_BRIDGE_REVISION=${REVISION}
LABEL org.opencontainers.image.title="track-bridge" \
      org.opencontainers.image.description="Sends domain events from Kafka to the Userpilot Track API" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
