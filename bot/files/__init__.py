"""The files that the bot writes for people, a module for each form.

Contents come in domain types, words as arguments.
"""
