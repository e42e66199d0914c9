# One image with both programs: the manager is its entry point, and the manager
# runs brokers from it with the command /broker.
FROM --platform=$BUILDPLATFORM golang:1.26 AS build
ARG TARGETOS
ARG TARGETARCH
WORKDIR /source
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 GOOS=${TARGETOS} GOARCH=${TARGETARCH} \
    go build -trimpath -ldflags "-s -w" -o /out/ ./cmd/manager ./cmd/broker

FROM gcr.io/distroless/static:nonroot
COPY --from=build /out/manager /out/broker /
USER 65532:65532
ENTRYPOINT ["/manager"]
