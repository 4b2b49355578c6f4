"""The inputs of the model in the words of the field, for the reasons of its scores."""

from collections.abc import Iterator, Mapping

from models.flight_delay.features import WEEKS

SUBJECTS = {
    "carrier": "of the airline",
    "origin": "from this airport",
    "route": "on this route",
}
RECORDS = {
    "late_rate": "share of late flights {of} in {days} days: {{value}}",
    "cancel_rate": "share of cancelled flights {of} in {days} days: {{value}}",
    "dep_delay": "departures {of} in {days} days were {{value}} minutes late on average",
}
FACTS = {
    "carrier": "airline {value}",
    "origin": "departs from {value}",
    "dest": "flies to {value}",
    "sched_dep_minute": "departs {value} minutes after midnight",
    "sched_arr_minute": "arrives {value} minutes after midnight",
    "sched_block_minutes": "{value} minutes from departure to arrival",
    "weekday": "day {value} of the week, Monday is 1",
    "distance": "{value} miles",
    "hour_departures": "{value} departures from the airport in this hour",
    "day_departures": "{value} departures from the airport on this day",
    "day_departures_before": "{value} departures from the airport before it on this day",
    "day_share_before": "share of the day's departures before it: {value}",
    "aircraft_seats": "{value:.0f} seats",
    "aircraft_age": "an aircraft {value:.0f} years old",
    "flight_late_rate_28d": "share of late departures under this flight number in 28 days: {value}",
    "flight_count_28d": "{value} departures under this flight number in 28 days",
    "weather_temp": "{value:.0f} degrees Fahrenheit the evening before",
    "weather_humid": "{value:.0f} per cent humidity the evening before",
    "weather_wind": "wind of {value:.0f} mph the evening before",
    "weather_pressure": "{value:.0f} millibars the evening before",
    "weather_visib": "visibility of {value:.0f} miles the evening before",
    "weather_precip_6h": "{value} inches of rain in six hours of the evening before",
    "weather_pressure_change_24h": "the pressure changed by {value:+.1f} millibars in 24 hours",
    "weather_dewp_change_24h": "the dew point changed by {value:+.1f} degrees Fahrenheit in 24 hours",
    "weather_wind_from_east_change_24h": "the wind from the east changed by {value:+.1f} mph in 24 hours",
    "weather_wind_from_north_change_24h": "the wind from the north changed by {value:+.1f} mph in 24 hours",
}


def _records() -> Iterator[tuple[str, str]]:
    for subject, of in SUBJECTS.items():
        for name, text in RECORDS.items():
            yield from ((f"{subject}_{name}_{days}d", text.format(of=of, days=days)) for days in WEEKS)


WORDS: Mapping[str, str] = {**FACTS, **dict(_records())}
