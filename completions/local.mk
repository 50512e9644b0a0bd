# SPDX-License-Identifier: GPL-3.0-or-later
# What the shells complete.  The files are written from the option tables by
# `make regen' and committed, so that a build for another machine need not run
# what it builds; tests/docs.bats sees to it that they are up to date.

bashcompdir = $(datadir)/bash-completion/completions
dist_bashcomp_DATA = \
  completions/bash/kx-extract-snapshots \
  completions/bash/kx-filter \
  completions/bash/kx-replay \
  completions/bash/kx-to-csv \
  completions/bash/kx-validate

zshcompdir = $(datadir)/zsh/site-functions
dist_zshcomp_DATA = \
  completions/zsh/_kx-extract-snapshots \
  completions/zsh/_kx-filter \
  completions/zsh/_kx-replay \
  completions/zsh/_kx-to-csv \
  completions/zsh/_kx-validate

fishcompdir = $(datadir)/fish/vendor_completions.d
dist_fishcomp_DATA = \
  completions/fish/kx-extract-snapshots.fish \
  completions/fish/kx-filter.fish \
  completions/fish/kx-replay.fish \
  completions/fish/kx-to-csv.fish \
  completions/fish/kx-validate.fish

regen: all
	$(AM_V_at)'$(srcdir)/tests/mkcompletions.sh' \
	  '$(abs_top_builddir)/cmd' '$(srcdir)/completions'
	$(AM_V_at)'$(srcdir)/tests/mkrules.sh' '$(abs_top_builddir)/cmd' \
	  '$(srcdir)/cmd/kx-validate.1'
.PHONY: regen
