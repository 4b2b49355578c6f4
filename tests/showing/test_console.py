"""Words of others reach a terminal as they were written: titles, keys, reasons, paths."""

from nightjar.showing import console


def test_brackets_and_colons_are_shown_and_orders_to_the_terminal_are_written_out(capsys):
    console.out.print("/data/[prod]/home")
    console.out.print(console.headed("use:", "bold", "Energy [kwh] of a [/day]"))
    console.out.print(console.table("Energy [kwh]", ("city [c]",), [("shop:id:7",), ("EWR:x:\x1b[2J",)]))
    said = [line for line in capsys.readouterr().out.splitlines() if line]
    assert said == [
        "/data/[prod]/home",
        "use: Energy [kwh] of a [/day]",
        "Energy [kwh]",
        "city [c]",
        "shop:id:7",
        "EWR:x:\\x1b[2J",
    ]


def test_a_terminal_shows_the_head_of_a_line_in_its_style():
    screen = console.AsWritten(force_terminal=True, color_system="standard")
    with screen.capture() as written:
        screen.print(console.headed("error:", "bold red", "[not] found"))
    assert written.get() == "\x1b[1;31merror:\x1b[0m [not] found\n"
