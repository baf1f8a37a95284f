# A thin door to `cargo xtask`; every target is one of its commands or one of Cargo's.
.PHONY: help run test fast setup e2e line ui engine bench package pictures fmt lint clean
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## set up what is missing, start the demo line and Deskline, ring it once
	@cargo xtask run

test: ## every check and test, end to end included
	@cargo xtask test

fast: ## every check and test but the end-to-end ones
	@cargo xtask test fast

setup: ## install and build what is missing, nothing else
	@cargo xtask setup

e2e: ## only the end-to-end tests
	@cargo xtask e2e

line: ## run the demo line by itself until Ctrl-C
	@cargo xtask line start

ui: ## install the UI packages and build the UI, when stale
	@cargo xtask ui

engine: ## fetch and verify LiveKit's engine library
	@cargo xtask engine

bench: ## measure calls on the demo line, with the release build
	@cargo xtask bench call

package: ## build the .deb that people install
	@cargo xtask package

pictures: ## take pictures of every screen and those of the README
	@cargo xtask pictures

fmt: ## format all Rust and Go code
	@cargo fmt --all
	@gofmt -w tests/servers

lint: ## clippy, svelte-check and go vet
	@cargo clippy --workspace --all-targets -- -D warnings
	@cd ui && npm run check
	@cd tests/servers/line && GOWORK=off go vet ./...
	@cd tests/servers/providers && GOWORK=off go vet ./...

clean: ## remove everything that was built or fetched
	@cargo clean
	@rm -rf ui/node_modules ui/dist ui/dist-fake
