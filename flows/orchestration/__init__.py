"""Running unattended: the schedule, Prefect, alerts, and what a run shows under a server.

Only modules that say so import Prefect, which takes a second; everything else here is plain data
and functions, and `journeys run --no-server` needs no Prefect at all.
"""
