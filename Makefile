# Every command lives in course/. Make finds a Python that can run it, and no more.
PYTHON ?= $(shell for p in .venv/bin/python python3 python3.13 python3.12 python3.11 python; do \
	"$$p" -c "import sys; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && echo "$$p" && break; done)
COURSE = "$(or $(PYTHON),python3)" course
export PORT

help: ## list these commands
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' Makefile | expand -t 18

start: ## install what is missing, and serve the course on http://127.0.0.1:8000
	@$(COURSE) start

lesson: ## run one lesson's app: make lesson N=4 (MINE=1 for yours, PORT=9000 for another port)
	@$(COURSE) lesson $(N) $(if $(MINE),--mine)

next: ## say which step is next, by its tests, and what to type
	@$(COURSE) next

list: ## list the lessons, and the next step of each, by its tests
	@$(COURSE) list

begin: ## make the folder for your app of a lesson: make begin N=4 (STEP=2 to begin there)
	@$(COURSE) begin $(N) $(STEP:%=--step %)

check: ## check your app in my/: make check N=4 (STEP=2 for its steps up to the second)
	@$(COURSE) check $(N) $(STEP:%=--step %) $(SEED:%=--seed %)

watch: ## check your app at every save
	@$(COURSE) watch $(N)

hint: ## show the next hint for the step that does not stand
	@$(COURSE) hint $(N)

reset: ## start your app of a lesson over; the old one is kept
	@$(COURSE) reset $(N) $(STEP:%=--step %)

undo: ## bring back what the last reset put away
	@$(COURSE) undo $(N)

solution: ## show the listings of a step: make solution N=4 STEP=2
	@$(COURSE) solution $(N) $(STEP:%=--step %)

diff: ## show how your app differs from the finished one (STEP=2: from the page after step 2)
	@$(COURSE) diff $(N) $(STEP:%=--step %)

doctor: ## say what is wrong with this machine's set-up, and what to do
	@$(COURSE) doctor

test: ## run all tests
	@$(COURSE) test

lint: ## check style and formatting
	@$(COURSE) lint

lock: ## renew Pipfile.lock from Pipfile
	@$(COURSE) lock

bench: ## measure how long set-up and the tests take
	@$(COURSE) bench

.PHONY: help start lesson next list begin check watch hint reset undo solution diff doctor test lint lock bench
