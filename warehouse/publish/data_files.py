"""Every file of a publication that holds its data: CSV with metadata, JSON, and workbooks."""

from __future__ import annotations

from warehouse.publish import machine, ods, workbook
from warehouse.publish.columns import check_writable
from warehouse.publish.csvw import csv_files
from warehouse.publish.pack import Pack


def data_files(pack: Pack) -> dict[str, bytes]:
    """Write a publication as data. The same publication gives the same bytes.

    Args:
        pack: The publication.

    Returns:
        File name → content.

    Raises:
        DisclosureError: A table contradicts itself, or a spreadsheet would take some of its text
            as a formula.
    """
    check_writable(pack)
    return {
        **csv_files(pack),
        machine.NAME: machine.pack_json(pack),
        workbook.NAME: workbook.workbook(pack),
        ods.NAME: ods.ods(pack),
    }
