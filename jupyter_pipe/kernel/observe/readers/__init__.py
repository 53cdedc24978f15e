"""Readers in native code: tables of them, how they are made to tell, and what that
means."""
