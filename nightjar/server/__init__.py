"""What we tell and mend of a Prefect server: who may ask it, and what its worker runs.

Five places complete Prefect's own code, because Prefect 3.8 lacks what a night needs:

- `causal_ordering`: a server that restarts waits 15 minutes for events that the server before it has seen.
- `missed_heartbeats`: a server that was away forgets which runs it has to end, or ends runs that live.
- `ended`: whatever a process proposes becomes the state of its run, also after a person cancelled it.
- `leases`: the file that locks the index of leases stays when a server is killed, and the next server waits
  for it.
- `worker`: Prefect's worker runs any command that a form field names.

tests/server/test_what_prefect_lacks.py fails when an upgrade changes the code that one of them completes. It
then says what to look at, and whether the module may go.
"""
